//! The same promises on a real PostgreSQL.

use std::future::poll_fn;
use std::task::Poll;

use fluent_backend::Config;
use fluent_backend::domain::{Ciphertext, Command, Draft, Timestamp, Viewer};
use fluent_backend::storage::{Before, Storage};
use fluent_backend::testing::{TestClient, TestServer, TokenPair, eventually, seed, send_frame};
use futures_util::future::join_all;
use http::StatusCode;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use super::two_servers::SECRET;
use crate::support::postgres::{Postgres, database};
use crate::support::v1::{live, two_users};

fn on(url: &str) -> impl Fn(&mut Config) + use<> {
    let url = url.to_owned();
    move |config| {
        config.auth.secret_key = SECRET.into();
        config.database.url = url.clone().into();
    }
}

/// Wherever a batch is given up, as after ten seconds, it is stored or not, and the lock of the store's row is free for
/// the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_given_up_holds_nobody_up() {
    const POLLS: usize = 24;
    let Some(database) = database().await else { return };
    let mut config = TestServer::config();
    on(database.url())(&mut config);
    // Before PostgreSQL itself gives up a transaction that it hears nothing of.
    config.database.statement_timeout_ms = 2_000;
    let users = seed::users(&config, 0, 2, TestClient::PASSWORD).await;
    let storage = Storage::open(&config).await.unwrap();
    let now = Timestamp::from_micros(1_000);
    let send = || {
        let copy = || Ciphertext::parse("x".to_owned(), usize::MAX).unwrap();
        vec![Command::Send(Box::new(Draft::text(users[0], Some(users[1]), copy(), copy())))]
    };
    for polls in 0..POLLS {
        let mut given_up = Box::pin(storage.apply(send(), now));
        let mut left = polls;
        poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            given_up.as_mut().poll(context).map(drop)
        })
        .await;
        drop(given_up);
        if let Err(error) = storage.apply(send(), now).await {
            panic!("after {polls} polls: {error}");
        }
    }
    let page = storage.history(Viewer { user: users[0] }, users[1], Before::Newest, 100, now).await.unwrap();
    assert!((POLLS..=2 * POLLS).contains(&page.len()), "{}", page.len());
    assert!(page.is_sorted_by(|newer, older| newer.id > older.id));
    storage.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_on_postgresql() {
    let Some(database) = database().await else { return };
    // Two at once: one migrates, the other waits for it.
    let (server, second) =
        tokio::join!(TestServer::start_with(on(database.url())), TestServer::start_with(on(database.url())));
    second.stop().await;

    let body = |i: usize| {
        let name = if i.is_multiple_of(2) { "Zoë" } else { "ZOË" };
        json!({"username": name, "email": "zoe@example.org", "password": "correct horse", "public_key": "AAAA"})
    };
    let http = server.http();
    let answers = join_all((0..8).map(|i| {
        let http = &http;
        async move { http.post("/auth/register", &body(i)).await.status }
    }))
    .await;
    assert_eq!(answers.iter().filter(|status| **status == StatusCode::CREATED).count(), 1, "{answers:?}");

    let (alice, bob) = (server.sign_up("alice_%").await, server.sign_up("bob").await);
    let old = json!({"refresh_token": alice.tokens.refresh_token});
    let pairs = join_all((0..6).map(|_| http.post("/auth/refresh", &old))).await;
    let pairs: Vec<TokenPair> = pairs.into_iter().map(|answer| answer.ok().json()).collect();
    assert!(pairs.iter().all(|pair| pair.refresh_token == pairs[0].refresh_token));
    let found: Vec<Value> = alice.http.get("/users/search?query=E_%25").await.ok().json();
    assert_eq!(found.len(), 1);

    let (mut a, mut b) = (alice.connect().await, bob.connect().await);
    for i in 0..200 {
        a.send_message(bob.id, &format!("r{i}"), "any \u{0} text").await;
    }
    let mut received = Vec::new();
    for i in 0..200 {
        assert_eq!(a.next_message().await.content, "any \u{0} text");
        received.push(b.next_message().await);
        assert_eq!(received[i].content, format!("r{i}"));
    }
    a.send_message(4711, "r", "s").await;
    assert_eq!(a.next_error().await["code"], "unknown_user");
    received.reverse();
    assert_eq!(bob.history(alice.id).await, received);
    let list: Vec<Value> = bob.http.get("/chat/chat_list").await.ok().json();
    assert_eq!((list.len(), &list[0]["partner"]["id"]), (1, &json!(alice.id)));
    server.stop().await;
}

/// Several servers write to one database: numbers and time stamps still grow in commit order.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_database_keep_one_order() {
    let Some(database) = database().await else { return };
    let secret = |config: &mut Config| {
        config.auth.secret_key = "one secret for both servers, long enough".into();
        on(database.url())(config);
    };
    let (one, two) = (TestServer::start_with(secret).await, TestServer::start_with(secret).await);
    let (alice, bob) = (one.sign_up("alice").await, two.sign_up("bob").await);
    let send = async |client: &TestClient, to: i32| {
        let mut socket = client.connect().await;
        for i in 0..100 {
            socket.send_message(to, &i.to_string(), &i.to_string()).await;
        }
        let mut own = 0;
        while own < 100 {
            let message = socket.next_message().await;
            own += usize::from(message.sender_id == client.id);
        }
    };
    tokio::join!(send(&alice, bob.id), send(&bob, alice.id));
    let history = alice.history(bob.id).await;
    assert_eq!(history.len(), 200);
    assert!(history.is_sorted_by(|newer, older| newer.timestamp > older.timestamp));
    one.stop().await;
    two.stop().await;
}

/// The database goes away and comes back: senders get a retryable error, readiness tells, and nothing is stored twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_stops_is_told_and_survived() {
    let Some(mut postgres) = Postgres::start().await else { return };
    let server = TestServer::start_with(|config| {
        on(&postgres.url("fluent"))(config);
        config.database.acquire_timeout_ms = 500;
    })
    .await;
    let alice = server.sign_up("alice").await;
    let mut socket = alice.connect().await;
    socket.send_message(alice.id, "r", "before").await;
    assert_eq!(socket.next_message().await.content, "before");
    postgres.crash();
    // What serves a connection ends only when it sees that the process which has started it is gone.
    let unready = async || (server.http().get("/readyz").await.status == StatusCode::SERVICE_UNAVAILABLE).then_some(());
    eventually("not ready", unready).await;
    socket.send_message(alice.id, "r", "lost").await;
    let error = socket.next_error().await;
    assert_eq!((error["code"].as_str(), error["retryable"].as_bool()), (Some("unavailable"), Some(true)));
    assert_eq!(alice.http.get("/chat/chat_list").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(server.http().get("/healthz").await.status, StatusCode::OK);

    postgres.restart().await;
    let ready = async || (server.http().get("/readyz").await.status == StatusCode::OK).then_some(());
    eventually("ready again", ready).await;
    socket.send_message(alice.id, "r", "after").await;
    assert_eq!(socket.next_message().await.content, "after");
    let history: Vec<String> = alice.history(alice.id).await.into_iter().map(|message| message.content).collect();
    assert_eq!(history, ["after", "before"]);
    server.stop().await;
}

/// Everything that `fluent.v1` keeps, in the other dialect of SQL: told live, replayed, listed, deleted, and cleared
/// away.
#[tokio::test(flavor = "multi_thread")]
async fn fluent_v1_works_on_postgresql() {
    let Some(database) = database().await else { return };
    let server = TestServer::start_with(|config| {
        on(database.url())(config);
        config.messages.clear_every_ms = 20;
    })
    .await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let ((mut a, _), (mut b, _)) = (alice.live_device("a", None).await, bob.live_device("b", None).await);
    let start = b.cursor(0);
    let mut stored = Vec::new();
    for i in 0..150 {
        stored.push(a.store(bob.id, &i.to_string()).await);
        b.expect("message").await;
    }
    let again = a.ask(&send_frame(bob.id, "7")).await;
    assert_eq!((&again["duplicate"], &again["id"]), (&json!(true), &stored[7]["id"]));
    b.store(alice.id, "answer").await;
    a.expect("message").await;
    b.send(&json!({"type": "delivered", "up_to_seq": stored[40]["seq"]})).await;
    assert_eq!(a.expect("receipt").await["up_to_id"], stored[40]["id"]);
    let read = b.ask(&json!({"type": "read", "partner_id": alice.id, "up_to_id": stored[99]["id"]})).await;
    assert_eq!((&read["kind"], a.expect("receipt").await["seq"].clone()), (&json!("read"), read["seq"].clone()));
    for (id, scope) in [(&stored[3]["id"], "everyone"), (&stored[4]["id"], "me")] {
        assert_eq!(a.ask(&json!({"type": "delete", "id": id, "for": scope})).await["for"], scope);
    }
    b.expect("deleted").await;
    let expiring = json!({"type": "send", "client_id": "short", "to": bob.id, "receiver_encrypted": "r",
        "sender_encrypted": "s", "message_type": "text", "expires_in_s": 1});
    a.ask(&expiring).await;
    b.expect("message").await;
    assert_eq!(
        (&a.expect("deleted").await["reason"], &b.expect("deleted").await["by"]),
        (&json!("expired"), &Value::Null)
    );
    bob.http.put("/users/me/public_key", &json!({"public_key": "BBBB"})).await.ok();
    b.expect("key_changed").await;
    a.expect("key_changed").await;

    let list: Vec<Value> = bob.http.get("/chat/conversations").await.ok().json();
    assert_eq!((&list[0]["unread"], &list[0]["read_up_to_id"]), (&json!(50), &stored[99]["id"]));
    let list: Vec<Value> = alice.http.get("/chat/conversations").await.ok().json();
    assert_eq!((&list[0]["unread"], &list[0]["partner_read_up_to_id"]), (&json!(1), &stored[99]["id"]));
    let page: Vec<Value> = alice
        .http
        .get(&format!("/chat/all_messages?partnerID={}&limit=100&before_id={}", bob.id, stored[9]["id"]))
        .await
        .ok()
        .json();
    assert_eq!(page.len(), 7, "nine, without the two that are deleted");
    let (_, missed) = bob.live_device("late", Some(&start)).await;
    let count = |kind: &str| missed.iter().filter(|frame| frame["type"] == kind).count();
    assert_eq!((count("message"), count("receipt"), count("deleted"), count("key_changed")), (150, 1, 2, 1));
    assert!(missed.is_sorted_by_key(|frame| frame["seq"].as_i64()), "{missed:?}");

    alice.http.put(&format!("/users/{}/block", bob.id), &json!({})).await.ok();
    assert_eq!(b.ask(&send_frame(alice.id, "blocked")).await["code"], "blocked");
    let password = json!({"password": TestClient::PASSWORD});
    alice.http.with_body(http::Method::DELETE, "/users/me", &password).await.ok();
    b.expect("user_deleted").await;
    assert_eq!(bob.http.get("/chat/conversations").await.ok().json::<Vec<Value>>(), Vec::<Value>::new());
    assert_eq!(
        b.ask(&send_frame(alice.id, "answer")).await["duplicate"],
        true,
        "a tombstone still recognises the retry"
    );
    server.stop().await;
}

/// Tables of a store with others in it: users 100,000 to 100,999 with ten messages each, before `ANALYZE` has counted
/// them.
const OTHERS: [&str; 6] = [
    "INSERT INTO conversations (id, direct_key, newest_message_id) \
     SELECT 100000 + i, ((100000 + i)::BIGINT << 32) | (200000 + i), 0 FROM generate_series(0, 999) AS i",
    "INSERT INTO members (user_id, conversation_id) SELECT (direct_key >> 32)::INTEGER, id FROM conversations \
     WHERE id >= 100000 UNION ALL SELECT (direct_key & 4294967295)::INTEGER, id FROM conversations WHERE id >= 100000",
    "INSERT INTO messages (id, conversation_id, sender_id, receiver_id, message_type, timestamp) \
     SELECT s.last_seq + 1 + i, 100000 + i % 1000, 100000 + i % 1000, 200000 + i % 1000, 'text', s.clock + 1 + i \
     FROM store AS s, generate_series(0, 9999) AS i",
    "INSERT INTO bodies (id, sender_copy, receiver_copy) SELECT id, 's', 'r' FROM messages \
     WHERE conversation_id >= 100000",
    "UPDATE conversations SET newest_message_id = (SELECT last_seq FROM store) + 9001 + id - 100000 WHERE id >= 100000",
    "UPDATE store SET last_seq = last_seq + 10000, clock = clock + 10000",
];
/// Rows that were read, of the tables that grow with everybody.
const ROWS_READ: &str = "SELECT relname, COALESCE(seq_tup_read, 0) + COALESCE(idx_tup_fetch, 0) \
     FROM pg_stat_user_tables WHERE relname IN ('messages', 'bodies', 'conversations', 'members')";
/// Which of these tables have statistics.
const COUNTED: &str = "SELECT relname FROM pg_class WHERE reltuples >= 0 \
     AND relname IN ('messages', 'bodies', 'conversations', 'members')";

/// A device that returns, and a list, read what is theirs: also while the database knows nothing of its tables yet.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_the_rows_of_others_in_tables_without_statistics() {
    let Some(database) = database().await else { return };
    let server = TestServer::start_with(on(database.url())).await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    for i in 0..5 {
        a.store(bob.id, &i.to_string()).await;
    }
    let since = a.cursor(0);
    let mut options = sea_orm::ConnectOptions::new(database.url());
    options.max_connections(1);
    let db = sea_orm::Database::connect(options).await.unwrap();
    // The database counts its tables when it finds the time, which would be in the middle of this test now and then.
    for table in ["messages", "bodies", "conversations", "members"] {
        let sql = format!("ALTER TABLE {table} SET (autovacuum_enabled = off)");
        db.execute_unprepared(&sql).await.unwrap();
    }
    // Plans that are made now are kept by their connections.
    for _ in 0..10 {
        bob.live_device("b", Some(&since)).await;
    }
    // What this connection has read itself is counted before the counters are set to 0.
    for sql in OTHERS.into_iter().chain(["SELECT pg_stat_force_next_flush()", "SELECT pg_stat_reset()"]) {
        db.execute_unprepared(sql).await.unwrap();
    }
    let (_, missed) = bob.live_device("b", Some(&since)).await;
    assert_eq!(missed.iter().filter(|frame| frame["type"] == "message").count(), 5);
    for path in ["/chat/chat_list", "/chat/conversations"] {
        let list: Vec<Value> = bob.http.get(path).await.ok().json();
        assert_eq!(list.len(), 1);
    }
    // Each connection tells what it has read at the latest when it ends.
    server.stop().await;
    let counted = sea_orm::Statement::from_string(sea_orm::DatabaseBackend::Postgres, COUNTED);
    assert!(db.query_all_raw(counted).await.unwrap().is_empty(), "the database has counted its tables");
    let sql = sea_orm::Statement::from_string(sea_orm::DatabaseBackend::Postgres, ROWS_READ);
    let rows = db.query_all_raw(sql).await.unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let (table, read): (String, i64) = (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
        assert!(read < 500, "{read} rows of {table} were read");
    }
}
