//! Two servers on one PostgreSQL behave as one: what is done at one reaches the sockets of the other, by itself.

use fluent_backend::testing::{TestClient, TestServer, eventually, send_frame};
use http::Method;
use serde_json::json;

use super::two_servers::{at, two_servers};
use crate::support::postgres::database;
use crate::support::v1::{assert_fields, live, seq};

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
    // A receipt and a deletion go the other way.
    b.send(&json!({"type": "read", "partner_id": alice.id, "up_to_id": stored.last()})).await;
    let receipt = a.read_until("receipt").await.1;
    assert_fields(&receipt, &json!({"kind": "read", "user_id": bob.id}));
    // It was not closed, as it is when a server must read the store anew.
    a.store(bob.id, "last").await;
    legacy.next_message().await;
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
