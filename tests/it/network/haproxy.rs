//! Several servers on one PostgreSQL behind the real haproxy, with the configuration of `deploy`.

use std::net::SocketAddr;

use fluent_backend::config::ClientAddressSource;
use fluent_backend::testing::{TestClient, TestServer, eventually};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::config::behind_proxy;
use crate::support::haproxy::{Haproxy, check};
use crate::support::postgres::database;
use crate::support::v1::live;

/// The address of a node that is down.
pub(super) fn nobody() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1))
}

/// A server that shares its database and its secret with others.
pub(super) async fn node(url: &str) -> TestServer {
    TestServer::start_with(|config| {
        config.auth.secret_key = "one secret for all nodes, long enough".into();
        config.database.url = url.into();
        behind_proxy(config, ClientAddressSource::XForwardedFor);
        config.http.behind_tls = true;
    })
    .await
}

/// How many requests for a path a node has served, by the log.
fn served(log: &str, path: &str, node: &str) -> usize {
    let is_it = |line: &&str| line.contains(&format!(" GET {path} ")) && line.contains(&format!("=nodes/{node} "));
    log.lines().filter(is_it).count()
}

#[tokio::test]
async fn haproxy_takes_its_configuration() {
    let Some((valid, said)) = check().await else { return };
    assert!(valid && !said.contains("[WARNING]"), "{said}");
}

/// Requests of one user go to every node; sockets of both dialects get what was sent at another one. A node that is
/// down is not noticed.
#[tokio::test(flavor = "multi_thread")]
async fn requests_and_sockets_go_to_any_node() {
    let Some(database) = database().await else { return };
    let (one, two) = (node(database.url()).await, node(database.url()).await);
    let Some(haproxy) = Haproxy::before([one.addr(), two.addr(), nobody()]).await else { return };
    let (alice, bob) =
        (TestClient::sign_up(haproxy.http(), "alice").await, TestClient::sign_up(haproxy.http(), "bob").await);
    let mut sockets = Vec::new();
    let mut devices = Vec::new();
    for name in ["first", "second"] {
        sockets.push(bob.connect().await);
        devices.push(live(&bob, name).await);
    }
    let body = json!({"to": bob.id, "receiver_encrypted": "for bob", "sender_encrypted": "for alice",
        "message_type": "text", "client_id": "one"});
    assert_eq!(alice.http.post("/chat/messages", &body).await.status, 201);
    for device in &mut devices {
        assert_eq!(device.expect("message").await["content"], "for bob");
    }
    for socket in &mut sockets {
        assert_eq!(socket.next_message().await.content, "for bob");
    }
    for _ in 0..10 {
        let me: Value = alice.http.get("/users/me").await.ok().json();
        assert_eq!(me["id"], alice.id);
    }
    drop((sockets, devices));
    let log = eventually("the ends of the sockets are logged", || {
        let log = haproxy.log();
        async move { (log.matches(" GET /chat/ws 101 ").count() == 4).then_some(log) }
    })
    .await;
    for node in ["one", "two"] {
        assert!(served(&log, "/users/me", node) > 0 && served(&log, "/chat/ws", node) > 0, "{log}");
    }
    assert!(!log.contains(&bob.tokens.access_token) && !log.contains("token="), "{log}");
    one.stop().await;
    two.stop().await;
}

/// While a node stops, its sockets are told so, those of the other one live on, and whoever comes is served by that.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_gets_nobody_new() {
    let Some(database) = database().await else { return };
    let (one, two) = (node(database.url()).await, node(database.url()).await);
    let Some(haproxy) = Haproxy::before([one.addr(), two.addr(), nobody()]).await else { return };
    let alice = TestClient::sign_up(haproxy.http(), "alice").await;
    let (mut first, mut second) = (live(&alice, "first").await, live(&alice, "second").await);
    let stopping = tokio::spawn(one.drain());
    let stays = tokio::select! {
        _ = first.read_until("going_away") => &mut second,
        _ = second.read_until("going_away") => &mut first,
    };
    for _ in 0..10 {
        alice.http.get("/users/me").await.ok();
    }
    let third = live(&alice, "third").await;
    stays.send(&json!({"type": "ping", "ref": "still here"})).await;
    assert_eq!(stays.expect("pong").await["ref"], "still here");
    drop((first, second, third));
    stopping.await.unwrap();
    let down = async || haproxy.log().contains("Server nodes/one is DOWN").then_some(());
    eventually("haproxy knows that the node is down", down).await;
    assert_eq!(served(&haproxy.log(), "/users/me", "two"), 10, "{}", haproxy.log());
    two.stop().await;
}

/// TLS ends at haproxy, which says whose request it is, whatever a client writes into the header.
#[tokio::test]
async fn haproxy_speaks_tls_and_tells_the_clients_address() {
    let server = TestServer::start_with(|config| {
        config.http.behind_tls = true;
        config.limits.enabled = true;
        config.limits.login.address.burst = 3;
        behind_proxy(config, ClientAddressSource::XForwardedFor);
    })
    .await;
    let Some(haproxy) = Haproxy::before([server.addr(), nobody(), nobody()]).await else { return };
    let port = haproxy.tls().port();
    let mut statuses = Vec::new();
    for n in 0..4 {
        let output = Command::new("curl")
            .args(["-sSi", "--cacert"])
            .arg(haproxy.certificate())
            .args(["--connect-to", &format!("chat.example.org:443:127.0.0.1:{port}")])
            .args(["-H", &format!("X-Forwarded-For: 198.51.100.{n}"), "-H", "Content-Type: application/json"])
            .args(["-d", r#"{"username": "nobody", "password": "wrong horse"}"#])
            .arg("https://chat.example.org/auth/login")
            .output()
            .await
            .unwrap();
        let answer = String::from_utf8_lossy(&output.stdout).to_lowercase();
        assert!(answer.contains("strict-transport-security:"), "{answer} {}", String::from_utf8_lossy(&output.stderr));
        statuses.push(answer.split_whitespace().nth(1).unwrap().to_owned());
    }
    assert_eq!(statuses, ["401", "401", "401", "429"]);
    server.stop().await;
}
