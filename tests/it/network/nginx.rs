//! The server behind the real nginx, with the configuration of `deploy/nginx`.

use fluent_backend::testing::{TestClient, TestServer, eventually};
use serde_json::json;
use tokio::process::Command;

use super::fronts;
use super::haproxy::{nobody, node};
use crate::support::nginx::{Nginx, check};
use crate::support::postgres::database;
use crate::support::v1::live;

#[tokio::test]
async fn nginx_takes_its_configuration() {
    let Some((valid, said)) = check().await else { return };
    assert!(valid && !said.contains("[warn]"), "{said}");
}

#[tokio::test]
async fn requests_and_sockets_of_both_dialects_go_through_nginx() {
    let server = TestServer::start().await;
    let Some(nginx) = Nginx::start(server.addr()).await else { return };
    fronts::pass_requests_and_sockets(&nginx.http()).await;
    server.stop().await;
}

#[tokio::test]
async fn nginx_speaks_tls_for_the_server() {
    let server = TestServer::start_with(|config| config.http.behind_tls = true).await;
    let Some(nginx) = Nginx::start(server.addr()).await else { return };
    let port = nginx.tls().port();
    let output = Command::new("curl")
        .args(["-sSi", "--cacert"])
        .arg(nginx.certificate())
        .args(["--connect-to", &format!("chat.example.org:443:127.0.0.1:{port}"), "https://chat.example.org/root"])
        .output()
        .await
        .unwrap();
    let answer = String::from_utf8_lossy(&output.stdout).to_lowercase();
    assert!(answer.contains("backend is online"), "{answer} {}", String::from_utf8_lossy(&output.stderr));
    assert!(answer.contains("strict-transport-security:"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn nginx_tells_the_clients_address() {
    let server = TestServer::start_with(fronts::three_logins_of_an_address).await;
    let Some(nginx) = Nginx::start(server.addr()).await else { return };
    fronts::tell_the_clients_address(&nginx.http()).await;
    server.stop().await;
}

/// The app's token stands in the query, which nginx repeats in its error log when the server does not answer.
#[tokio::test]
async fn no_token_reaches_the_logs_of_nginx_even_while_the_server_is_down() {
    let server = TestServer::start().await;
    let Some(nginx) = Nginx::start(server.addr()).await else { return };
    // As it would be with nginx's own error log: the test finds what it looks for.
    let told = |text: String| text.replace("error_log /dev/null emerg;", "");
    let Some(talkative) = Nginx::start_with(server.addr(), told).await else { return };
    let alice = TestClient::sign_up(nginx.http(), "alice").await;
    let token = alice.tokens.access_token.clone();
    alice.connect().await;
    server.stop().await;

    let path = format!("/chat/ws?token={token}");
    for nginx in [&nginx, &talkative] {
        assert_eq!(nginx.http().get(&path).await.status, 502);
        assert_eq!(nginx.http().get(&format!("/chat/ws/?token={token}")).await.status, 502);
        let both = || {
            let lines = nginx.access_log();
            async move { (lines.matches(" 502 ").count() == 2).then_some(lines) }
        };
        let lines = eventually("nginx has written its log", both).await;
        assert!(lines.contains(" GET /chat/ws 502 ") && lines.contains("upstream=127.0.0.1:"), "{lines}");
    }
    assert!(talkative.logs().contains(&token));
    assert!(!nginx.logs().contains(&token) && !nginx.logs().contains("token="), "{}", nginx.logs());
}

/// Several nodes: any of them serves any request, and one that is down or stops is not noticed.
#[tokio::test(flavor = "multi_thread")]
async fn nginx_sends_requests_and_sockets_to_any_node_that_is_up() {
    let Some(database) = database().await else { return };
    let (one, two) = (node(database.url()).await, node(database.url()).await);
    let Some(nginx) = Nginx::before([one.addr(), two.addr(), nobody()]).await else { return };
    let alice = TestClient::sign_up(nginx.http(), "alice").await;
    let (mut first, mut second) = (live(&alice, "first").await, live(&alice, "second").await);
    for device in [&mut first, &mut second] {
        device.send(&json!({"type": "ping", "ref": "here"})).await;
        assert_eq!(device.expect("pong").await["ref"], "here");
    }
    drop((first, second));
    one.stop().await;
    for _ in 0..10 {
        alice.http.get("/users/me").await.ok();
    }
    live(&alice, "third").await;
    two.stop().await;
}
