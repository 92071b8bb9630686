//! The real program: start, stop, `kill -9`, subcommands, and mistakes of the operator.
//!
//! What is about files (their modes, a full disk, the first start, the default) is on SQLite wherever the other tests
//! run.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use fluent_backend::testing::{MessageFrame, TestClient, TestData};
use rand::RngExt as _;
use sea_orm::ConnectionTrait as _;

use crate::support::binary::{ServerProcess, program, run, run_on};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The URL of the database of these data.
fn database_url(data: &TestData) -> String {
    if data.is_sqlite() {
        format!("sqlite://{}", data.path().join("data/fluent.db").display())
    } else {
        data.url().to_owned()
    }
}

#[tokio::test]
async fn a_first_start_makes_everything_and_a_signal_stops_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    assert!(server.greeting.contains("/docs/") && server.greeting.contains("/metrics"), "{}", server.greeting);
    let data = dir.path().join("data");
    assert_eq!((mode(&data), mode(&data.join("secret.key"))), (0o700, 0o600));
    assert_eq!((mode(&data.join("fluent.db")), mode(&data.join("fluent.db-wal"))), (0o600, 0o600));
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let mut socket = alice.connect().await;
    socket.send_message(alice.id, "r", "s").await;
    assert_eq!(socket.next_message().await.content, "s");

    let listen = server.admin().to_string();
    let variables = [("FLUENT__ADMIN__LISTEN", listen.as_str())];
    assert!(run(dir.path(), &["healthcheck"], &variables).await.status.success());
    let (status, code) = tokio::join!(server.stop(), socket.close_code());
    assert_eq!((status.code(), code), (Some(0), 1012));
    assert!(!run(dir.path(), &["healthcheck"], &variables).await.status.success());

    // The second start finds the same secret and the same accounts.
    let server = ServerProcess::start(dir.path(), &[]).await;
    let http = server.http().with_authorization(format!("Bearer {}", alice.tokens.access_token));
    assert_eq!(http.get("/chat/chat_list").await.ok().json::<Vec<serde_json::Value>>().len(), 1);
    server.stop().await;
}

/// Killed in the middle of a stream of sends, again and again: what was echoed is in the history exactly once.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_echoed_is_lost_by_kill_9() {
    const ROUNDS: usize = 20;
    let data = TestData::new().await;
    let mut echoed: Vec<MessageFrame> = Vec::new();
    let mut ids = HashMap::new();
    for round in 0..ROUNDS {
        let server = ServerProcess::start_on(&data, &[]).await;
        if round == 0 {
            for name in ["alice", "bob"] {
                ids.insert(name, TestClient::sign_up(server.http(), name).await.id);
            }
        }
        let alice = TestClient::log_in(server.http(), "alice", ids["alice"]).await;
        let bob = ids["bob"];
        let mut socket = alice.connect().await;
        let mut wanted = rand::rng().random_range(1..200);
        let mut sent = 0;
        while wanted > 0 {
            // Some are always on their way when the process dies.
            while sent < 40 {
                let text = format!("{round}-{}", rand::random::<u64>());
                socket.send_message(bob, &text, &text).await;
                sent += 1;
            }
            echoed.push(socket.next_message().await);
            sent -= 1;
            wanted -= 1;
        }
        server.kill().await;
        // Whatever had reached this side before the end counts as well.
        while let Some(Ok(tokio_tungstenite::tungstenite::Message::Text(text))) = socket.next().await {
            echoed.push(serde_json::from_str(&text).unwrap());
        }

        let server = ServerProcess::start_on(&data, &[]).await;
        let alice = TestClient::log_in(server.http(), "alice", ids["alice"]).await;
        let history = alice.history(bob).await;
        let mut times: HashMap<&str, usize> = HashMap::new();
        for message in &history {
            *times.entry(&message.content).or_default() += 1;
        }
        assert!(times.values().all(|&n| n == 1), "round {round}: something is there twice");
        for message in &echoed {
            assert!(history.contains(message), "round {round}: {message:?} is lost");
        }
        assert!(history.is_sorted_by(|newer, older| newer.timestamp > older.timestamp));
        server.kill().await;
    }
}

/// Arguments, environment, and what the line must name.
type Mistake<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

/// Killed at any moment of its first start, the next one works.
#[tokio::test]
async fn a_first_start_may_be_killed_at_any_moment() {
    for _ in 0..30 {
        let dir = tempfile::tempdir().unwrap();
        let free = [("FLUENT__SERVER__LISTEN", "127.0.0.1:0"), ("FLUENT__ADMIN__LISTEN", "127.0.0.1:0")];
        let mut child = program(dir.path(), &free).spawn().unwrap();
        let moment = std::time::Duration::from_micros(rand::rng().random_range(1000..60_000));
        // What is tested here is a moment in time.
        let _ = tokio::time::timeout(moment, child.wait()).await;
        child.kill().await.unwrap();
        ServerProcess::start(dir.path(), &[]).await.kill().await;
    }
}

#[tokio::test]
async fn mistakes_are_one_clear_line() {
    let dir = tempfile::tempdir().unwrap();
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().to_string();
    std::fs::write(dir.path().join("typo.toml"), "[server]\nlistne = \"127.0.0.1:0\"\n").unwrap();
    std::fs::write(dir.path().join("broken.toml"), "[server\n").unwrap();
    std::fs::write(dir.path().join("garbage.db"), "this is no database, but it is long enough to look at".repeat(100))
        .unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let free = [("FLUENT__SERVER__LISTEN", "127.0.0.1:0"), ("FLUENT__ADMIN__LISTEN", "127.0.0.1:0")];
    let cases: [Mistake<'_>; 16] = [
        (&[], &[("FLUENT__SERVER__LISTEN", &taken)], &taken),
        (&[], &[("FLUENT__ADMIN__LISTEN", &taken)], &taken),
        (&["--config", "missing.toml"], &[], "missing.toml"),
        (&["--config", "typo.toml"], &[], "listne"),
        (&["--config", "broken.toml"], &[], "broken.toml"),
        (&[], &[("FLUENT__SERVER__PORT", "8000")], "port"),
        (&[], &[("FLUENT__SOCKET__PING_S", "soon")], "ping_s"),
        (&[], &[("SECRET_KEY", "short")], "auth.secret_key"),
        (&[], &[("DATABASE_URL", "mysql://localhost/fluent")], "mysql"),
        (&[], &[("DATABASE_URL", "fluent.db")], "sqlite://"),
        (&[], &[("DATABASE_URL", "sqlite://no/such/directory/fluent.db")], "no/such/directory"),
        (&[], &[("DATABASE_URL", "sqlite://garbage.db")], "not a database"),
        (&[], &[("FLUENT__SERVER__DATA_DIR", "file/data")], "file/data"),
        (&[], &[("DATABASE_URL", "postgres://u:hunter/22@db.example/fluent")], "%XX"),
        (&["config", "check"], &[("FLUENT__LOG__FILTER", "a=b=c")], "log.filter"),
        (&["migrate", "status"], &[("DATABASE_URL", "postgres://u:hunter22@127.0.0.1:1/fluent")], "refused"),
    ];
    for (args, variables, expected) in cases {
        let variables: Vec<(&str, &str)> = free.iter().chain(variables).copied().collect();
        let output = run(dir.path(), args, &variables).await;
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{variables:?}: {error}");
        assert!(error.contains(expected), "{variables:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{variables:?}: {error}");
        assert!(!error.contains("panicked") && !error.contains("hunter"), "{error}");
    }
    drop(held);
}

#[tokio::test]
async fn a_database_from_a_newer_version_is_refused_and_left_alone() {
    // On PostgreSQL, servers of neighbouring versions run beside each other.
    let data = TestData::sqlite();
    let free = [("FLUENT__SERVER__LISTEN", "127.0.0.1:0"), ("FLUENT__ADMIN__LISTEN", "127.0.0.1:0")];
    assert!(run_on(&data, &["migrate", "up"], &free).await.status.success());
    let db = sea_orm::Database::connect(database_url(&data)).await.unwrap();
    let insert = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_from_the_future', 0)";
    db.execute_unprepared(insert).await.unwrap();
    db.close().await.unwrap();
    for args in [&[][..], &["migrate", "up"], &["migrate", "status"]] {
        let output = run_on(&data, args, &free).await;
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains("newer version") && error.contains("m9999_from_the_future"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[tokio::test]
async fn subcommands_say_what_they_do() {
    let dir = tempfile::tempdir().unwrap();
    let text = async |args: &[&str], variables: &[(&str, &str)]| {
        let output = run(dir.path(), args, variables).await;
        assert!(output.status.success(), "{args:?} {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(text(&["--version"], &[]).await.contains(env!("CARGO_PKG_VERSION")));
    assert!(text(&["--help"], &[]).await.contains("healthcheck"));
    let secret = "a secret that must not be shown to anybody";
    let url = "postgres://fluent:hunter22@db.example/fluent";
    let shown = text(&["config", "show"], &[("SECRET_KEY", secret), ("DATABASE_URL", url)]).await;
    assert!(shown.contains("listen = \"127.0.0.1:8000\"") && shown.contains("[redacted]"));
    assert!(!shown.contains(secret) && !shown.contains("hunter22"));
    assert!(text(&["config", "check"], &[]).await.contains("valid"));
    assert!(!dir.path().join("data").exists(), "looking at the configuration changes nothing");

    // A .env file is read, the process environment wins.
    std::fs::write(dir.path().join(".env"), "FLUENT__SOCKET__PING_S=7\nDATABASE_URL=sqlite://here.db\n").unwrap();
    assert!(text(&["config", "show"], &[]).await.contains("ping_s = 7"));
    assert!(text(&["config", "show"], &[("FLUENT__SOCKET__PING_S", "8")]).await.contains("ping_s = 8"));
    assert!(text(&["migrate", "up"], &[]).await.contains("up to date"));
    assert!(dir.path().join("here.db").is_file());
    let status = text(&["migrate", "status"], &[]).await;
    assert!(status.lines().count() >= 2 && status.lines().all(|line| line.starts_with("applied ")), "{status}");
}

/// A directory may have any name, and the environment may hold anything.
#[tokio::test]
async fn odd_surroundings_are_no_hindrance() {
    use std::os::unix::ffi::OsStrExt as _;
    let dir = tempfile::tempdir().unwrap();
    let odd = "my data?100%#\u{e4}";
    let server = ServerProcess::start(dir.path(), &[("FLUENT__SERVER__DATA_DIR", odd)]).await;
    assert!(dir.path().join(odd).join("fluent.db").is_file());
    server.stop().await;
    let mut command = program(dir.path(), &[]);
    let output = command.env("NOT_OURS", std::ffi::OsStr::from_bytes(b"\xff")).args(["config", "check"]).output();
    assert!(output.await.unwrap().status.success());
}

/// After the cost of hashes was changed, a login brings the stored hash up to it.
#[tokio::test]
async fn a_login_renews_an_outdated_hash() {
    let data = TestData::new().await;
    let server = ServerProcess::start_on(&data, &[]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    server.stop().await;
    let server = ServerProcess::start_on(&data, &[("FLUENT__AUTH__ARGON2_PASSES", "3")]).await;
    TestClient::log_in(server.http(), "alice", alice.id).await;
    server.stop().await;
    let db = sea_orm::Database::connect(database_url(&data)).await.unwrap();
    let sql = sea_orm::Statement::from_string(db.get_database_backend(), "SELECT password_hash FROM users");
    let row = db.query_one_raw(sql).await.unwrap().unwrap();
    let hash: String = row.try_get_by_index(0).unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=64,t=3,p=1$"), "{hash}");
    let server = ServerProcess::start_on(&data, &[]).await;
    TestClient::log_in(server.http(), "alice", alice.id).await;
    server.stop().await;
}

/// After a restore from a backup a cursor may lie behind what the backup lacks.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_epoch_makes_devices_load_anew_and_compacting_keeps_everything() {
    let data = TestData::new().await;
    let server = ServerProcess::start_on(&data, &[]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let (mut device, _) = alice.live_device("a", None).await;
    let stored = device.store(alice.id, "a note").await;
    let cursor = device.cursor(stored["seq"].as_i64().unwrap());
    let since = device.cursor(0);
    drop(device);
    assert!(server.stop().await.success());

    assert!(run_on(&data, &["database", "compact"], &[]).await.status.success());
    let server = ServerProcess::start_on(&data, &[]).await;
    let client = TestClient::log_in(server.http(), "alice", alice.id).await;
    let (_, kept) = client.live_device("a", Some(&since)).await;
    assert_eq!((kept.len(), &kept[0]["content"]), (1, &"s:a note".into()));
    assert!(server.stop().await.success());

    assert!(run_on(&data, &["database", "new-epoch"], &[]).await.status.success());
    let server = ServerProcess::start_on(&data, &[]).await;
    let client = TestClient::log_in(server.http(), "alice", alice.id).await;
    let (_, told) = client.live_device("a", Some(&cursor)).await;
    assert_eq!((told.len(), &told[0]["type"], &told[0]["reason"]), (1, &"reset".into(), &"epoch".into()));
    assert!(server.stop().await.success());
}
