//! `copy-db`: there and back, killed half-way, and what is refused.

use std::path::Path;
use std::time::Duration;

use fluent_backend::testing::{TestClient, TestDevice, eventually, seed, soon};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, Statement};
use serde_json::{Value, json};

use crate::support::binary::{ServerProcess, program, run};
use crate::support::postgres::Postgres;
use crate::support::v1::{chat_list, conversations, exchange, history, integer, live, send_frame};

/// Copies; what was said of the tables, without the last line.
async fn copied(dir: &Path, from: &str, to: &str) -> Vec<String> {
    // Longer than other things take: a busy machine, a debug build.
    let copying = program(dir, &[]).args(["copy-db", "--from", from, "--to", to]).output();
    let output = tokio::time::timeout(Duration::from_mins(5), copying).await.expect("the copy ends").unwrap();
    assert!(output.status.success(), "{from} to {to}: {}", String::from_utf8_lossy(&output.stderr));
    let mut lines: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert!(lines.pop().unwrap().contains("equal on both sides"));
    lines
}

const USERS: &str = "SELECT COUNT(*) FROM users";

/// Kills a copy when it is half done. One that was too quick for that is removed, and another is started.
async fn killed_half_way(
    dir: &Path,
    from: &str,
    to: &str,
    is_half: impl AsyncFn() -> bool,
    is_whole: impl AsyncFn() -> bool,
    remove: impl AsyncFn(),
) {
    for _ in 0..50 {
        let mut copying = program(dir, &[]).args(["copy-db", "--from", from, "--to", to]).spawn().unwrap();
        while !is_half().await && copying.try_wait().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        copying.kill().await.unwrap();
        if !is_whole().await {
            return;
        }
        remove().await;
    }
    panic!("every copy was done before it could be killed");
}

async fn refused(dir: &Path, from: &str, to: &str) -> String {
    let output = run(dir, &["copy-db", "--from", from, "--to", to], &[]).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{error}");
    error
}

fn sqlite(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

/// What happened before the copies, as far as it is asked for afterwards.
struct Past {
    alice: TestClient,
    bob: TestClient,
    carol: TestClient,
    /// The id of an account that was deleted, higher than that of any other.
    deleted: i32,
    /// A cursor in the middle of it all.
    middle: String,
    first: Value,
}

/// Something in every table that lasts.
async fn live_through(dir: &Path, server: &ServerProcess) -> Past {
    let sign_up = async |name: &str| TestClient::sign_up(server.http(), name).await;
    let (alice, bob, carol) = (sign_up("alice").await, sign_up("bob").await, sign_up("carol").await);
    let dave = sign_up("dave").await;
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let (first, _) = exchange(&mut a, &mut b, "first").await;
    // Any UTF-8 may be a ciphertext.
    a.send_message(bob.id, "odd", "r\u{0}\u{1f600}\u{7f}\r\n", "s\u{0}").await;
    a.expect("stored").await;
    b.expect("message").await;
    let (third, _) = exchange(&mut b, &mut a, "third").await;
    let middle = a.cursor(integer(&third, "seq"));
    let (fourth, _) = exchange(&mut a, &mut b, "fourth").await;
    let (fifth, _) = exchange(&mut a, &mut b, "fifth").await;
    let up_to = json!({"type": "read", "partner_id": alice.id, "up_to_id": fourth["id"], "ref": "r"});
    b.ask(&up_to).await;
    a.expect("receipt").await;
    let delete = |id: &Value, scope: &str| json!({"type": "delete", "id": id, "for": scope, "ref": "d"});
    assert_eq!(b.ask(&delete(&first["id"], "me")).await["type"], "deleted");
    assert_eq!(a.ask(&delete(&fifth["id"], "everyone")).await["type"], "deleted");
    carol.http.post("/chat/messages", &send_frame(bob.id, "to bob")).await.ok();
    carol.http.put(&format!("/users/{}/block", alice.id), &json!({})).await.ok();
    dave.http.post("/chat/messages", &send_frame(alice.id, "farewell")).await.ok();
    let account = json!({"password": TestClient::PASSWORD});
    dave.http.with_body(http::Method::DELETE, "/users/me", &account).await.ok();
    alice.http.post("/auth/ws_ticket", &json!({})).await.ok();
    for rule in [["block", "198.51.100.0/24"], ["allow", "198.51.100.7"]] {
        let args = ["admin", "address", rule[0], rule[1], "--reason", "kept"];
        assert!(run(dir, &args, &[]).await.status.success());
    }
    Past { alice, bob, carol, deleted: dave.id, middle, first }
}

/// All that the three can see.
async fn seen(server: &ServerProcess, past: &Past) -> Value {
    let mut seen = Vec::new();
    for user in [&past.alice, &past.bob, &past.carol] {
        let user = TestClient::log_in(server.http(), &user.name, user.id).await;
        for partner in [&past.alice, &past.bob, &past.carol] {
            seen.push(json!(history(&user, partner.id).await));
        }
        let (_, missed) = user.live_device("late", Some(&past.middle)).await;
        let blocked: Value = user.http.get("/users/blocked").await.ok().json();
        let found: Value = user.http.get("/users/search?query=bo").await.ok().json();
        seen.push(json!([conversations(&user).await, chat_list(&user).await, missed, blocked, found]));
    }
    json!(seen)
}

/// A retry is one, and no id is given twice.
async fn goes_on(server: &ServerProcess, past: &Past, name: &str) {
    let alice = TestClient::log_in(server.http(), "alice", past.alice.id).await;
    let (mut device, missed): (TestDevice, Vec<Value>) = alice.live_device("a", Some(&past.middle)).await;
    assert!(!missed.is_empty() && missed.iter().all(|event| event["type"] != "reset"), "{missed:?}");
    let again = device.ask(&send_frame(past.bob.id, "first")).await;
    assert_eq!((&again["id"], &again["duplicate"]), (&past.first["id"], &true.into()), "{again}");
    let new = TestClient::sign_up(server.http(), name).await;
    assert!(new.id > past.deleted, "{} was {name}'s or another's before", new.id);
    let found: Value = new.http.get(&format!("/users/search?query={name}")).await.ok().json();
    assert!(found.to_string().contains(name), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_and_back_everything_is_the_same() {
    let Some(postgres) = Postgres::start().await else { return };
    execute(&connect(&postgres.url("fluent")).await, "CREATE DATABASE second").await;
    let (one, two) = (postgres.url("fluent"), postgres.url("second"));
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| sqlite(&dir.path().join(name));
    let server = ServerProcess::start(dir.path(), &[]).await;
    let past = live_through(dir.path(), &server).await;
    let before = seen(&server, &past).await;
    assert!(server.stop().await.success());

    let first = copied(dir.path(), &file("data/fluent.db"), &one).await;
    for table in [
        "address_rules",
        "users",
        "messages",
        "bodies",
        "events",
        "blocks",
        "devices",
        "tickets",
        "user_grams",
        "store",
    ] {
        let line = first.iter().find(|line| line.split(' ').next() == Some(table)).unwrap();
        assert!(!line.contains(" 0 rows"), "{line}");
    }
    let server = ServerProcess::start(dir.path(), &[("DATABASE_URL", &one)]).await;
    assert_eq!(seen(&server, &past).await, before);
    goes_on(&server, &past, "erika").await;
    let before = seen(&server, &past).await;
    assert!(server.stop().await.success());

    let second = copied(dir.path(), &one, &two).await;
    assert_ne!(second, first);
    for (from, to) in [(two, file("b.db")), (file("b.db"), file("c d.db"))] {
        assert_eq!(copied(dir.path(), &from, &to).await, second, "{from} to {to}");
    }
    assert_eq!(mode(&dir.path().join("c d.db")), 0o600);
    let server = ServerProcess::start(dir.path(), &[("DATABASE_URL", &file("c d.db"))]).await;
    assert_eq!(seen(&server, &past).await, before);
    goes_on(&server, &past, "frieda").await;
    let listed = run(dir.path(), &["admin", "address", "list", "--json"], &[]).await.stdout;
    let listed: Value = serde_json::from_slice(&listed).unwrap();
    let rules = listed["rules"].as_array().unwrap();
    let rule = |rule: &Value| json!([rule["cidr"], rule["action"], rule["scope"], rule["reason"]]);
    let mut rules: Vec<Value> = rules.iter().map(rule).collect();
    rules.sort_by_key(Value::to_string);
    let (one, all) =
        (json!(["198.51.100.0/24", "block", "all", "kept"]), json!(["198.51.100.7/32", "allow", "all", "kept"]));
    assert_eq!(rules, [one, all]);
    assert!(server.stop().await.success());
}

fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions()) & 0o777
}

async fn connect(url: &str) -> DatabaseConnection {
    Database::connect(url).await.unwrap()
}

async fn execute(db: &DatabaseConnection, sql: &str) {
    db.execute_unprepared(sql).await.unwrap();
}

async fn number(db: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    db.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// A store of some size in this directory.
async fn seeded(dir: &Path, messages: u64) -> String {
    let mut config = fluent_backend::testing::TestServer::config();
    config.server.data_dir = dir.join("data");
    let users = seed::users(&config, 0, 40, "a password").await;
    let pairs: Vec<_> = users.iter().copied().zip(users.iter().copied().skip(1)).collect();
    seed::messages(&config, &pairs, messages, 344).await;
    sqlite(&dir.join("data/fluent.db"))
}

/// `FLUENT_COPY_MESSAGES=1000000` makes it a measurement: then in a release build, and each copy says how long it took.
#[tokio::test(flavor = "multi_thread")]
async fn many_messages_there_and_back() {
    let Some(postgres) = Postgres::start().await else { return };
    let messages = std::env::var("FLUENT_COPY_MESSAGES").map_or(3_000, |number| number.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let (from, to, back) = (seeded(dir.path(), messages).await, postgres.url("fluent"), dir.path().join("back.db"));
    let mut told = Vec::new();
    for (from, to) in [(&from, &to), (&to, &sqlite(&back))] {
        let args = ["copy-db", "--from", from, "--to", to];
        let output = program(dir.path(), &[]).args(args).output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        eprintln!("{text}");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        told.push(text.lines().filter(|line| line.contains(" rows ")).map(str::to_owned).collect::<Vec<_>>());
    }
    assert_eq!(told[0], told[1]);
    assert!(told[0].iter().any(|line| line.starts_with("bodies") && line.contains(&format!(" {messages} rows"))));
}

/// `kill -9` at different moments of a copy; then it is made again, and is whole.
#[tokio::test(flavor = "multi_thread")]
async fn killed_half_way_it_is_started_again() {
    let dir = tempfile::tempdir().unwrap();
    let from = seeded(dir.path(), 10_000).await;
    let target = dir.path().join("target.db");
    let half = dir.path().join("target.db.copying");
    let sizes = [1, 1 << 18, 1 << 20];
    for bytes in sizes {
        let (is_half, remove) = (
            async || std::fs::metadata(&half).is_ok_and(|file| file.len() >= bytes),
            async || std::fs::remove_file(&target).unwrap(),
        );
        killed_half_way(dir.path(), &from, &sqlite(&target), is_half, async || target.exists(), remove).await;
        assert!(!target.exists() && half.exists(), "killed at {bytes} bytes");
    }
    let whole = copied(dir.path(), &from, &sqlite(&target)).await;
    assert!(whole.iter().any(|line| line.starts_with("messages") && line.contains(" 10000 rows")), "{whole:?}");
    assert!(!half.exists());

    let Some(postgres) = Postgres::start().await else { return };
    let url = postgres.url("fluent");
    let db = connect(&postgres.url("postgres")).await;
    let at_work = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'fluent-backend copy-db' \
         AND state <> 'idle' AND query LIKE 'COPY%'";
    for _ in 0..2 {
        let (is_half, is_whole) =
            (async || number(&db, at_work).await > 0, async || number(&connect(&url).await, USERS).await > 0);
        let remove = async || {
            execute(&db, "DROP DATABASE fluent WITH (FORCE)").await;
            execute(&db, "CREATE DATABASE fluent").await;
        };
        killed_half_way(dir.path(), &from, &url, is_half, is_whole, remove).await;
        let gone = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'fluent-backend copy-db'";
        eventually("its connection is gone", async || (number(&db, gone).await == 0).then_some(())).await;
        assert_eq!(number(&connect(&url).await, USERS).await, 0);
    }
    assert_eq!(copied(dir.path(), &from, &url).await, whole);
    let indexes = number(&connect(&url).await, "SELECT COUNT(*) FROM pg_indexes WHERE schemaname = 'public'").await;
    execute(&db, "CREATE DATABASE fresh").await;
    let fresh = postgres.url("fresh");
    let variables = [("DATABASE_URL", fresh.as_str())];
    assert!(run(dir.path(), &["migrate", "up"], &variables).await.status.success());
    let sql = "SELECT COUNT(*) FROM pg_indexes WHERE schemaname = 'public'";
    assert_eq!(number(&connect(&fresh).await, sql).await, indexes, "all indexes are there again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unsafe_is_refused_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| sqlite(&dir.path().join(name));
    let store = file("data/fluent.db");
    let server = ServerProcess::start(dir.path(), &[]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let error = refused(dir.path(), &store, &file("new.db")).await;
    assert!(error.contains("in use by another"), "{error}");
    assert!(server.stop().await.success());
    std::fs::write(dir.path().join("log.db-wal"), "what another database has left").unwrap();
    let empty = [("DATABASE_URL", "sqlite://empty.db")];
    assert!(run(dir.path(), &["migrate", "up"], &empty).await.status.success());
    for (from, to, expected) in [
        (store.as_str(), file("data/../data/fluent.db").as_str(), "the same database"),
        (&store, &file("empty.db"), "exists already"),
        (&store, &file("log.db"), "log.db-wal exists already"),
        (&store, &file("no/such/new.db"), "existing directory"),
        (&file("empty.db"), &file("new.db"), "nothing to copy"),
        (&file("missing.db"), &file("new.db"), "does not exist"),
        (&store, "mysql://u:hunter22@h/d", "postgres://"),
        (&store, "postgres://u:hunter22@127.0.0.1:1/d", "refused"),
    ] {
        let error = refused(dir.path(), from, to).await;
        assert!(error.contains(expected) && !error.contains("hunter"), "{from} to {to}: {error}");
    }
    assert!(!dir.path().join("new.db").exists());

    let Some(postgres) = Postgres::start().await else { return };
    let url = postgres.url("fluent");
    let db = connect(&url).await;
    execute(&db, "CREATE TABLE theirs (id INTEGER)").await;
    let error = refused(dir.path(), &store, &url).await;
    assert!(error.contains("another program's tables (theirs)"), "{error}");
    execute(&db, "DROP TABLE theirs").await;
    // Text that PostgreSQL does not take is named, and nothing stays there.
    let source = connect(&store).await;
    execute(&source, "UPDATE users SET name = 'a' || char(0)").await;
    source.close().await.unwrap();
    let error = refused(dir.path(), &store, &url).await;
    assert!(error.contains("a row of users cannot be copied: name"), "{error}");
    let source = connect(&store).await;
    execute(&source, "UPDATE users SET name = 'alice'").await;
    source.close().await.unwrap();

    let running = ServerProcess::start(dir.path(), &[("DATABASE_URL", &url)]).await;
    for (from, to, which) in [(store.as_str(), url.as_str(), "the target"), (&url, &file("new.db"), "the source")] {
        // Without any account there is nothing to copy; what is tested here comes first.
        let error = soon("a refusal", refused(dir.path(), from, to)).await;
        assert!(error.contains(&format!("connected to {which}: stop it first")), "{error}");
    }
    assert!(running.stop().await.success());
    copied(dir.path(), &store, &url).await;
    let error = refused(dir.path(), &store, &url).await;
    assert!(error.contains("not empty"), "{error}");
    let error = refused(dir.path(), &url, &url).await;
    assert!(error.contains("same database"), "{error}");
    let server = ServerProcess::start(dir.path(), &[("DATABASE_URL", &url)]).await;
    TestClient::log_in(server.http(), "alice", alice.id).await;
    assert!(server.stop().await.success());
}
