//! Two servers on one PostgreSQL behave as one: what is done at one reaches the sockets of the other, by itself.

use fluent_backend::Config;
use fluent_backend::clock::Clock;
use fluent_backend::domain::Timestamp;
use fluent_backend::testing::{TestClient, TestServer, eventually, send_frame};
use http::Method;
use sea_orm::{ConnectionTrait as _, Database, DatabaseBackend, Statement};
use serde_json::{Value, json};

use super::two_servers::{SECRET, at, two_servers, two_servers_at};
use crate::support::postgres::database;
use crate::support::v1::{assert_fields, live, merged, seq, stopped_clock};

/// Nobody writes at the second server; each dialect is told, in order and once.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_reaches_the_sockets_of_another_server_that_writes_nothing() {
    let Some(database) = database().await else { return };
    let (one, two) = two_servers(&database).await;
    let (alice, bob) = (one.sign_up("alice").await, two.sign_up("bob").await);
    let alice_at_two = at(&two, &alice).await;
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let mut her_other = live(&alice_at_two, "a2").await;
    let mut legacy = at(&two, &bob).await.connect().await;
    let mut stored = Vec::new();
    for i in 0..20 {
        stored.push(seq(&a.store(bob.id, &format!("{i}")).await));
    }
    for expected in &stored {
        assert_eq!(seq(&b.expect("message").await), *expected);
        assert_eq!(seq(&her_other.expect("message").await), *expected);
        assert_eq!(legacy.next_message().await.sender_id, alice.id);
    }
    // A receipt goes the other way; strangers are told of none.
    b.store(alice.id, "hello").await;
    a.expect("message").await;
    b.send(&json!({"type": "read", "partner_id": alice.id, "up_to_id": stored.last()})).await;
    let receipt = a.read_until("receipt").await.1;
    assert_fields(&receipt, &json!({"kind": "read", "user_id": bob.id}));
    // It was not closed, as it is when a server must read the store anew.
    a.store(bob.id, "last").await;
    assert_eq!(legacy.next_message().await.sender_id, bob.id);
    assert_eq!(legacy.next_message().await.sender_id, alice.id);
    one.stop().await;
    two.stop().await;
}

/// The shipped app has no cursor. A server that has not heard yet of what another one has told does not tell it again
/// to those who come over.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_comes_to_another_server_is_not_told_again() {
    let Some(database) = database().await else { return };
    // It looks every two seconds: what is stored next is most likely news to it.
    let shared = |config: &mut Config| {
        config.auth.secret_key = "one secret for both servers, long enough".into();
        config.database.url = database.url().into();
        config.cluster.poll_ms = 2000;
    };
    let (one, two) = (TestServer::start_with(shared).await, TestServer::start_with(shared).await);
    let (alice, bob) = (one.sign_up("alice").await, one.sign_up("bob").await);
    let bob_at_two = at(&two, &bob).await;
    let (mut app, mut a) = (bob.connect().await, live(&alice, "a").await);
    a.store(bob.id, "told by the first").await;
    assert_eq!(app.next_message().await.content, "r:told by the first");
    let mut app = bob_at_two.connect().await;
    a.store(bob.id, "after it came over").await;
    assert_eq!(app.next_message().await.content, "r:after it came over");
    one.stop().await;
    two.stop().await;
}

/// The same login of a user, at another server.
fn same_login(server: &TestServer, user: &TestClient) -> TestClient {
    let http = server.http().with_authorization(format!("Bearer {}", user.tokens.access_token));
    TestClient { http, ..user.clone() }
}

/// A login that ends at one server has ended at the other: its sockets are closed with 4001, its token is refused.
#[tokio::test(flavor = "multi_thread")]
async fn what_ends_at_one_server_has_ended_at_the_other() {
    let Some(database) = database().await else { return };
    let (one, two) = two_servers(&database).await;
    let alice = one.sign_up("alice").await;
    let same_at_two = same_login(&two, &alice);
    let mut socket = live(&same_at_two, "a").await;
    same_at_two.http.get("/users/me").await.ok();
    alice.http.post("/auth/logout", &json!({})).await.ok();
    assert_eq!(socket.socket.close_code().await, 4001);
    let refused = async || (same_at_two.http.get("/users/me").await.status == 401).then_some(());
    eventually("the token is refused", refused).await;

    let bob = one.sign_up("bob").await;
    let same_at_two = same_login(&two, &bob);
    let mut socket = live(&same_at_two, "b").await;
    let change = json!({"old_password": TestClient::PASSWORD, "new_password": "another one, long enough"});
    bob.http.put("/auth/password", &change).await.ok();
    assert_eq!(socket.socket.close_code().await, 4001);

    let carol = one.sign_up("carol").await;
    let same_at_two = same_login(&two, &carol);
    let mut legacy = same_at_two.connect().await;
    let mut socket = live(&same_at_two, "c").await;
    carol.http.with_body(Method::DELETE, "/users/me", &json!({"password": TestClient::PASSWORD})).await.ok();
    assert_eq!(socket.socket.close_code().await, 4001);
    assert_eq!(legacy.close_code().await, 4001);
    one.stop().await;
    two.stop().await;
}

/// A server whose clock is an hour off tells the time of the database, as all others do.
#[tokio::test(flavor = "multi_thread")]
async fn the_clock_of_the_database_counts_for_all_servers() {
    let Some(database) = database().await else { return };
    for wrong_by in [-3600, 3600] {
        let config = |config: &mut Config| {
            config.auth.secret_key = SECRET.into();
            config.database.url = database.url().into();
        };
        let server = TestServer::start_at(Clock::wrong_by_secs(wrong_by), config).await;
        let user = server.sign_up(&format!("alice{}", wrong_by + 3600)).await;
        let mut device = live(&user, "a").await;
        let stored = device.store(user.id, "to myself").await;
        let stamp = Timestamp::parse_bound(stored["timestamp"].as_str().unwrap()).unwrap();
        let off = stamp.as_micros() - Clock::system().now().as_micros();
        assert!(off.abs() < 60_000_000, "{wrong_by}: {off}");
        server.stop().await;
    }
}

/// A clock that is set while its server runs changes no time stamp, and the right server's go on from the right time.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_between_two_batches_changes_no_time_stamp() {
    let Some(database) = database().await else { return };
    let clocks = [Clock::system(), Clock::system(), Clock::system()];
    let mut servers = Vec::new();
    for clock in &clocks {
        let config = |config: &mut Config| {
            config.auth.secret_key = SECRET.into();
            config.database.url = database.url().into();
            // No look into the journal shows the time meanwhile.
            config.cluster.poll_ms = 10_000;
        };
        servers.push(TestServer::start_at(clock.clone(), config).await);
    }
    let (alice, bob) = (servers[0].sign_up("alice").await, servers[0].sign_up("bob").await);
    let right = Clock::system();
    for seconds in [0, 3600, -3600] {
        for (i, server) in servers.iter().enumerate() {
            let mut a = live(&at(server, &alice).await, "a").await;
            let mut b = live(&at(server, &bob).await, "b").await;
            // The first server's stays right; the others' are set into opposite directions.
            clocks[i].advance_secs([0, seconds, -seconds][i]);
            let from = right.now().plus_secs(-1);
            let frame = merged(&send_frame(bob.id, &format!("{i} {seconds}")), json!({"expires_in_s": 60}));
            a.send(&frame).await;
            let stored = a.read_until("stored").await.1;
            let mut message = b.read_until("message").await.1;
            while message["id"] != stored["id"] {
                message = b.read_until("message").await.1;
            }
            let within = from..=right.now().plus_secs(1);
            let stamp = |name: &str| Timestamp::parse_bound(message[name].as_str().unwrap()).unwrap();
            assert!(within.contains(&stamp("timestamp")), "{i}, {seconds}: {message}");
            assert!(within.contains(&stamp("expires_at").plus_secs(-60)), "{i}, {seconds}: {message}");
            assert!((from..=right.now().plus_secs(1)).contains(&clocks[i].now()), "{i}, {seconds}");
        }
    }
    for server in servers {
        server.stop().await;
    }
}

/// The sender's answer and the receiver's message come through although both servers write at once.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_write_at_once_tell_everything_in_one_order() {
    const EACH: usize = 200;
    let Some(database) = database().await else { return };
    let (one, two) = two_servers(&database).await;
    let (alice, bob) = (one.sign_up("alice").await, two.sign_up("bob").await);
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let mut seen = live(&at(&two, &alice).await, "a2").await;
    for i in 0..EACH {
        a.send(&send_frame(bob.id, &format!("a{i}"))).await;
        b.send(&send_frame(alice.id, &format!("b{i}"))).await;
    }
    let mut orders = Vec::new();
    for socket in [&mut a, &mut b, &mut seen] {
        let mut order = Vec::new();
        while order.len() < 2 * EACH {
            let frame = socket.next().await;
            if ["message", "stored"].contains(&frame["type"].as_str().unwrap()) {
                order.push(seq(&frame));
            }
        }
        assert!(order.is_sorted_by(|x, y| x < y), "{order:?}");
        orders.push(order);
    }
    assert!(orders.iter().all(|order| *order == orders[0]), "all see the same");
    one.stop().await;
    two.stop().await;
}

/// The numbers of the store jump as nothing but a gap beyond the journal looks: devices read the store, the Android
/// app's sockets are closed.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_journal_does_not_cover_is_read_from_the_store() {
    let Some(database) = database().await else { return };
    let (one, two) = two_servers(&database).await;
    let (alice, bob) = (one.sign_up("alice").await, two.sign_up("bob").await);
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let mut legacy = at(&two, &bob).await.connect().await;
    let db = Database::connect(database.url()).await.unwrap();
    // As if the second server had not looked for longer than the journal is kept.
    db.execute_unprepared(
        "BEGIN; LOCK TABLE batches IN ACCESS EXCLUSIVE MODE; UPDATE store SET last_seq = last_seq + 5; COMMIT",
    )
    .await
    .unwrap();
    let stored = seq(&a.store(bob.id, "after the gap").await);
    assert_eq!(seq(&b.expect("message").await), stored);
    assert_eq!(legacy.close_code().await, 1012);
    assert_eq!(bob.history(alice.id).await.len(), 1);
    db.close().await.unwrap();
    one.stop().await;
    two.stop().await;
}

/// What the journal holds tells who wrote to whom, and nothing of what; after its time nothing is left but the newest
/// row.
#[tokio::test(flavor = "multi_thread")]
async fn the_journal_holds_no_ciphertext_and_is_cleared() {
    let Some(database) = database().await else { return };
    let (one, two) = two_servers(&database).await;
    let (alice, bob) = (one.sign_up("alice").await, two.sign_up("bob").await);
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    for i in 0..10 {
        a.send_message(bob.id, &format!("client-id-{i}"), "ciphertext-for-bob", "ciphertext-for-alice").await;
        b.expect("message").await;
    }
    let db = Database::connect(database.url()).await.unwrap();
    let rows = async |sql: &str| {
        let rows = db.query_all_raw(Statement::from_string(DatabaseBackend::Postgres, sql)).await.unwrap();
        rows.into_iter().map(|row| row.try_get_by_index::<Vec<u8>>(0).unwrap()).collect::<Vec<_>>()
    };
    let records = rows("SELECT record FROM batches").await;
    assert!(!records.is_empty());
    for record in &records {
        for secret in ["ciphertext", "client-id"] {
            assert!(!record.windows(secret.len()).any(|part| part == secret.as_bytes()), "{record:?}");
        }
    }
    db.execute_unprepared("UPDATE batches SET at = 0").await.unwrap();
    let is_cleared = async || (rows("SELECT record FROM batches").await.len() == 1).then_some(());
    eventually("all but the newest row are gone", is_cleared).await;
    db.close().await.unwrap();
    one.stop().await;
    two.stop().await;
}

/// A successor of the relay does not know what was told: it lets all sockets read the store.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_dies_is_replaced_and_nothing_is_missed() {
    let Some(database) = database().await else { return };
    let (mut one, two) = two_servers(&database).await;
    let (alice, bob) = (one.sign_up("alice").await, two.sign_up("bob").await);
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let mut legacy = at(&one, &alice).await.connect().await;
    a.store(bob.id, "before").await;
    b.expect("message").await;
    one.expect_failures(1);
    one.server().actors().relay.crash();
    assert_eq!(legacy.close_code().await, 1012);
    for i in 0..3 {
        let stored = seq(&b.store(alice.id, &format!("{i}")).await);
        assert_eq!(seq(&a.expect("message").await), stored);
    }
    a.store(bob.id, "after").await;
    b.expect("message").await;
    one.stop().await;
    two.stop().await;
}

/// One server does the chores; when it stops, the other takes over at once.
#[tokio::test(flavor = "multi_thread")]
async fn one_server_clears_away_at_a_time() {
    let Some(database) = database().await else { return };
    let (one, two) = two_servers(&database).await;
    let db = Database::connect(database.url()).await.unwrap();
    let holders = async || {
        let sql = "SELECT boot FROM leases WHERE name = 'janitor'";
        let rows = db.query_all_raw(Statement::from_string(DatabaseBackend::Postgres, sql)).await.unwrap();
        rows.into_iter().map(|row| row.try_get_by_index::<i64>(0).unwrap()).collect::<Vec<_>>()
    };
    let first = eventually("one holds it", async || holders().await.first().copied()).await;
    one.stop().await;
    two.stop().await;
    assert!(holders().await.is_empty(), "both have given it back");
    let three = TestServer::start_with(|config| {
        config.auth.secret_key = SECRET.into();
        config.database.url = database.url().into();
    });
    let three = three.await;
    let next = eventually("the next one holds it", async || holders().await.first().copied()).await;
    assert_ne!(first, next);
    three.stop().await;
    db.close().await.unwrap();
}

/// A spent refresh token that comes back at one server ends the login at the other, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_refresh_token_ends_its_login_everywhere() {
    let Some(database) = database().await else { return };
    let clock = stopped_clock();
    let (one, two) = two_servers_at(&database, &clock).await;
    let alice = one.sign_up("alice").await;
    let mut socket = live(&same_login(&two, &alice), "a").await;
    let first = json!({"refresh_token": alice.tokens.refresh_token});
    let second: Value = one.http().post("/auth/refresh", &first).await.ok().json();
    one.http().post("/auth/refresh", &json!({"refresh_token": second["refresh_token"]})).await.ok();
    clock.advance_secs(31);
    assert_eq!(one.http().post("/auth/refresh", &first).await.status, 401);
    assert_eq!(socket.socket.close_code().await, 4001);
    one.stop().await;
    two.stop().await;
}
