//! Two servers on one PostgreSQL: each honours the changes of the other.

use fluent_backend::Config;
use fluent_backend::clock::Clock;
use fluent_backend::domain::{NewAddressRule, Operator, RuleAction, RuleScope, WhichRules};
use fluent_backend::testing::{TestClient, TestDatabase, TestServer, eventually, send_frame};
use http::Method;
use serde_json::{Value, json};

use crate::support::postgres::database;
use crate::support::v1::{assert_fields, column, exchange, live, merged, seq};

pub(super) const SECRET: &str = "one secret for both servers, long enough";

pub(super) async fn two_servers(database: &TestDatabase) -> (TestServer, TestServer) {
    two_servers_at(database, &Clock::system()).await
}

pub(super) async fn two_servers_at(database: &TestDatabase, clock: &Clock) -> (TestServer, TestServer) {
    let server = async || server_on(database.url(), clock, |_| {}).await;
    (server().await, server().await)
}

/// Starts one of several servers on the PostgreSQL at `url`.
pub(super) async fn server_on(url: &str, clock: &Clock, change: impl FnOnce(&mut Config)) -> TestServer {
    TestServer::start_at(clock.clone(), |config| {
        config.auth.secret_key = SECRET.into();
        config.database.url = url.into();
        change(config);
    })
    .await
}

/// The same user at another server.
pub(super) async fn at(server: &TestServer, user: &TestClient) -> TestClient {
    TestClient::log_in(server.http(), &user.name, user.id).await
}

/// A server that has not heard of what another one has stored tells it before anything newer.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_server_has_stored_comes_before_what_is_newer() {
    let Some(database) = database().await else { return };
    let (one, two) = two_servers(&database).await;
    let (alice, bob, carol) = (one.sign_up("alice").await, two.sign_up("bob").await, two.sign_up("carol").await);
    let (mut a, mut b, mut c) = (live(&alice, "a").await, live(&bob, "b").await, live(&carol, "c").await);
    for round in 0..3 {
        let mut expected = Vec::new();
        for i in 0..2 {
            expected.push(seq(&a.store(bob.id, &format!("{round}.{i}")).await));
        }
        expected.push(seq(&c.store(bob.id, &format!("{round}.newer")).await));
        let mut told = Vec::new();
        while told.len() < expected.len() {
            told.push(seq(&b.expect("message").await));
        }
        assert_eq!(told, expected, "no hole before what is newer");
    }
    // The other way round, where it is an answer that is newer.
    let hers = seq(&c.store(alice.id, "from carol").await);
    a.send(&send_frame(bob.id, "own")).await;
    assert_eq!(seq(&a.expect("message").await), hers);
    assert!(seq(&a.expect("stored").await) > hers);
    one.stop().await;
    two.stop().await;
}

/// Each remembers who may write to whom, and what their keys are; what is changed at the other server holds at once.
#[tokio::test(flavor = "multi_thread")]
async fn blocks_keys_and_deletions_at_one_server_hold_at_the_other() {
    let Some(database) = database().await else { return };
    let (one, two) = two_servers(&database).await;
    let (alice, bob) = (one.sign_up("alice").await, two.sign_up("bob").await);
    let bob_at_one = at(&one, &bob).await;
    let (mut a, mut b1, mut b2) = (live(&alice, "a").await, live(&bob_at_one, "b1").await, live(&bob, "b2").await);
    exchange(&mut a, &mut b1, "server one remembers the two").await;
    b2.send(&send_frame(alice.id, "so does server two")).await;
    b2.read_until("stored").await;

    let block = format!("/users/{}/block", alice.id);
    assert_eq!(bob.http.put(&block, &json!({})).await.status, 204);
    let refused = json!({"type": "error", "code": "blocked"});
    // Typing is looked up each time; the answer to what comes behind it shows that nothing is on its way.
    a.send(&json!({"type": "typing", "to": bob.id, "active": true})).await;
    a.send(&send_frame(bob.id, "too late")).await;
    assert_fields(&a.read_until("error").await.1, &refused);
    b1.send(&send_frame(alice.id, "nor the other way round")).await;
    let (before, error) = b1.read_until("error").await;
    assert_fields(&error, &refused);
    assert!(before.iter().all(|frame| frame["type"] != "typing"), "{before:?}");
    assert_eq!(bob.http.delete(&block).await.status, 204);
    a.send(&send_frame(bob.id, "again")).await;
    assert_fields(&a.read_until("stored").await.1, &json!({"client_id": "again", "duplicate": false}));

    let old: Value = alice.http.get(&format!("/users?ids={}", bob.id)).await.ok().json();
    let encrypted = |name: &str| merged(&send_frame(bob.id, name), json!({"receiver_key_id": old[0]["key_id"]}));
    a.send(&encrypted("to the key")).await;
    assert_fields(&a.read_until("stored").await.1, &json!({"client_id": "to-the-key"}));
    let key = json!({"public_key": "BBBB", "password": TestClient::PASSWORD});
    let new: Value = bob.http.put("/users/me/public_key", &key).await.ok().json();
    a.send(&encrypted("to the old key")).await;
    assert_fields(&a.read_until("error").await.1, &json!({"code": "stale_key", "key_id": new["key_id"]}));

    let history: Vec<Value> = alice.http.get(&format!("/chat/all_messages?partnerID={}", bob.id)).await.ok().json();
    let contents = column(&history, "content");
    assert_eq!(contents.len(), 4, "what was refused is not there: {contents:?}");
    let password = json!({"password": TestClient::PASSWORD});
    bob.http.with_body(Method::DELETE, "/users/me", &password).await.ok();
    a.send(&send_frame(bob.id, "to nobody")).await;
    assert_fields(&a.read_until("error").await.1, &json!({"code": "unknown_user"}));
    one.stop().await;
    two.stop().await;
}

/// What an operator blocks at one server is kept out of the other, and its sockets there are closed.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_is_blocked_at_one_server_is_kept_out_of_the_other() {
    let Some(database) = database().await else { return };
    let (one, two) = two_servers(&database).await;
    let alice = two.sign_up("alice").await;
    let mut device = live(&alice, "a").await;
    let (network, scope) = ("127.0.0.1".parse().unwrap(), RuleScope::All);
    let new = NewAddressRule { network, action: RuleAction::Block, scope, reason: String::new(), expires_at: None };
    one.server().service().set_address_rule(new, None, false, Operator::Unknown).await.unwrap();
    assert_eq!(device.socket.closed().await, (1008, "banned".to_owned()));
    assert_eq!(alice.http.get("/users/me").await.problem(), (403, "banned".to_owned()));
    let both = WhichRules::Network { network, scope: None };
    one.server().service().remove_address_rules(both, Operator::Unknown).await.unwrap();
    eventually("the other server lets it in again", async || {
        (alice.http.get("/users/me").await.status == 200).then_some(())
    })
    .await;
    one.stop().await;
    two.stop().await;
}
