//! The server behind the real Caddy, with the configuration of `deploy/caddy`.

use fluent_backend::testing::{TestClient, TestServer, eventually};
use tokio::process::Command;

use super::fronts;
use crate::support::caddy::{Caddy, check};

#[tokio::test]
async fn caddy_takes_its_configuration() {
    let Some((valid, said)) = check().await else { return };
    assert!(valid, "{said}");
}

#[tokio::test]
async fn requests_and_sockets_of_both_dialects_go_through_caddy() {
    let server = TestServer::start().await;
    let Some(caddy) = Caddy::start(server.addr()).await else { return };
    fronts::pass_requests_and_sockets(&caddy.http()).await;
    server.stop().await;
}

#[tokio::test]
async fn caddy_speaks_tls_for_the_server() {
    let server = TestServer::start_with(|config| config.http.behind_tls = true).await;
    let Some(caddy) = Caddy::start(server.addr()).await else { return };
    let port = caddy.tls().port();
    let output = Command::new("curl")
        .args(["-sSi", "--http1.1", "--cacert"])
        .arg(caddy.certificate())
        .args(["--resolve", &format!("chat.example.org:{port}:127.0.0.1")])
        .arg(format!("https://chat.example.org:{port}/root"))
        .output()
        .await
        .unwrap();
    let answer = String::from_utf8_lossy(&output.stdout).to_lowercase();
    assert!(answer.contains("backend is online"), "{answer} {}", String::from_utf8_lossy(&output.stderr));
    assert!(answer.contains("strict-transport-security:"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn caddy_tells_the_clients_address() {
    let server = TestServer::start_with(fronts::three_logins_of_an_address).await;
    let Some(caddy) = Caddy::start(server.addr()).await else { return };
    fronts::tell_the_clients_address(&caddy.http()).await;
    server.stop().await;
}

/// The app's token stands in the query, which Caddy repeats in its errors unless it is told otherwise.
#[tokio::test]
async fn no_token_reaches_the_logs_of_caddy_even_while_the_server_is_down() {
    let server = TestServer::start().await;
    let Some(caddy) = Caddy::start(server.addr()).await else { return };
    let alice = TestClient::sign_up(caddy.http(), "alice").await;
    let token = alice.tokens.access_token.clone();
    alice.connect().await;
    server.stop().await;
    assert_eq!(caddy.http().get(&format!("/chat/ws?token={token}")).await.status, 502);
    let logs = eventually("Caddy has written its logs", || {
        let (access, logs) = (caddy.access_log(), caddy.logs());
        async move { (access.contains("\"status\":502") && logs.contains("http.log.error")).then_some(logs) }
    })
    .await;
    assert!(logs.contains("/chat/ws"), "{logs}");
    assert!(!logs.contains(&token) && !logs.contains("token="), "{logs}");
}
