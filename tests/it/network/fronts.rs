//! What every program that stands in front of a server must leave as it is.

use fluent_backend::Config;
use fluent_backend::config::ClientAddressSource;
use fluent_backend::testing::{Http, TestClient};
use serde_json::json;

use crate::support::config::behind_proxy;

/// Requests and sockets of both dialects go through, long bodies as well.
pub(super) async fn pass_requests_and_sockets(http: &Http) {
    let alice = TestClient::sign_up(http.clone(), "alice").await;
    let bob = TestClient::sign_up(http.clone(), "bob").await;
    let mut socket = alice.connect().await;
    let (mut device, _) = bob.live_device("phone", None).await;
    socket.send_message(bob.id, "for bob", "for alice").await;
    assert_eq!(socket.next_message().await.content, "for alice");
    assert_eq!(device.expect("message").await["content"], "for bob");
    let long = "x".repeat(90_000);
    let body = json!({"to": bob.id, "receiver_encrypted": long, "sender_encrypted": long, "message_type": "text",
        "client_id": "long"});
    assert_eq!(alice.http.post("/chat/messages", &body).await.status, 201);
    assert_eq!(device.expect("message").await["content"], long.as_str());
}

/// Lets three logins of one address pass, and takes the address from the proxy.
pub(super) fn three_logins_of_an_address(config: &mut Config) {
    config.limits.enabled = true;
    config.limits.login.address.burst = 3;
    behind_proxy(config, ClientAddressSource::XForwardedFor);
}

/// The limit counts by the address that the program has seen, whatever a client writes into the header.
pub(super) async fn tell_the_clients_address(http: &Http) {
    let mut statuses = Vec::new();
    for n in 0..4 {
        let mut headers = http::HeaderMap::new();
        headers.insert("x-forwarded-for", format!("198.51.100.{n}").parse().unwrap());
        let body = serde_json::to_vec(&json!({"username": "nobody", "password": "wrong horse"})).unwrap();
        let answer = http.send(http::Method::POST, "/auth/login", headers, body.into()).await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 429]);
}
