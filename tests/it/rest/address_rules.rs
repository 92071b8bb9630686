//! Networks that may not come in: rules of operators, and bans.

use std::net::SocketAddr;

use fluent_backend::clock::Clock;
use fluent_backend::domain::{NewAddressRule, Operator, RuleAction, RuleScope, WhichRules};
use fluent_backend::testing::{Answer, TestClient, TestServer, TestSocket, eventually, soon};
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Error;

use crate::support::raw::{RawAnswer, read_answer};

const HERE: &str = "127.0.0.1";
const BY: Operator = Operator::Unknown;

/// Makes a rule, as an operator does.
async fn set(server: &TestServer, network: &str, action: RuleAction, scope: RuleScope, for_s: Option<i64>) {
    let expires_at = for_s.map(|seconds| Clock::system().now().plus_secs(seconds));
    let network = network.parse().unwrap();
    let new = NewAddressRule { network, action, scope, reason: "test".to_owned(), expires_at };
    server.server().service().set_address_rule(new, None, false, BY).await.unwrap();
}

async fn block(server: &TestServer, network: &str, scope: RuleScope) {
    set(server, network, RuleAction::Block, scope, None).await;
}

async fn remove(server: &TestServer, network: &str) {
    let which = WhichRules::Network { network: network.parse().unwrap(), scope: None };
    server.server().service().remove_address_rules(which, BY).await.unwrap();
}

/// The refusal of a request from a blocked network.
fn is_banned(answer: &Answer) -> bool {
    let is_banned = answer.status == 403 && answer.problem().1 == "banned";
    assert!(!is_banned || answer.headers["connection"] == "close", "{answer:?}");
    is_banned
}

/// Status and code of the refusal of a handshake.
async fn refusal(server: &TestServer, path: &str, token: Option<&str>) -> u16 {
    match TestSocket::open(server.addr(), path, token).await.map(drop).map_err(|error| *error) {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        other => panic!("{other:?}"),
    }
}

/// A connection from another address of this machine.
async fn from(source: &str, addr: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(source.parse().unwrap(), 0)).unwrap();
    socket.connect(addr).await.unwrap()
}

async fn ask(stream: &mut TcpStream) -> RawAnswer {
    stream.write_all(b"GET /root HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    read_answer(stream).await
}

async fn log_in(server: &TestServer, name: &str, password: &str) -> Answer {
    server.http().post("/auth/login", &json!({"username": name, "password": password})).await
}

#[tokio::test]
async fn a_blocked_network_is_kept_out_of_everything_and_its_sockets_are_closed() {
    let server = TestServer::start_alone(|_| {}).await;
    let alice = server.sign_up("alice").await;
    let (mut device, _) = alice.live_device("a", None).await;
    let mut legacy = alice.connect().await;
    let mut elsewhere = from("127.0.0.2", server.addr()).await;
    assert_eq!(ask(&mut elsewhere).await.status(), 200);

    block(&server, HERE, RuleScope::All).await;
    for socket in [&mut device.socket, &mut legacy] {
        assert_eq!(soon("the socket is closed", socket.closed()).await, (1008, "banned".to_owned()));
    }
    for answer in [
        alice.http.get("/users/me").await,
        server.http().get("/root").await,
        server.http().get("/nowhere").await,
        log_in(&server, "alice", TestClient::PASSWORD).await,
    ] {
        assert!(is_banned(&answer), "{answer:?}");
        assert!(!answer.headers.contains_key("retry-after") && !answer.text().contains("retry_after_ms"));
    }
    assert_eq!(refusal(&server, "/chat/ws", Some(&alice.tokens.access_token)).await, 403);
    assert_eq!(ask(&mut elsewhere).await.status(), 200, "others are served");
    assert_eq!(server.admin().get("/metrics").await.status, 200, "operators are not judged by these rules");

    // A rule for a part of the network wins, and a rule for the same network replaces the former one.
    block(&server, "127.0.0.0/8", RuleScope::All).await;
    assert_eq!(ask(&mut elsewhere).await.status(), 403);
    set(&server, HERE, RuleAction::Allow, RuleScope::All, None).await;
    alice.http.get("/users/me").await.ok();
    remove(&server, HERE).await;
    assert!(is_banned(&alice.http.get("/users/me").await));
    remove(&server, "127.0.0.0/8").await;
    alice.live_device("a", None).await;
    server.stop().await;
}

#[tokio::test]
async fn a_rule_that_ends_says_when() {
    let clock = Clock::stopped_at(Clock::system().now());
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let service = server.server().service();
    let expires_at = Some(clock.now().plus_secs(90));
    let (network, scope) = (HERE.parse().unwrap(), RuleScope::All);
    let new = NewAddressRule { network, action: RuleAction::Block, scope, reason: String::new(), expires_at };
    service.set_address_rule(new, None, false, BY).await.unwrap();
    let answer = soon("the rule holds", async {
        // With several servers, the client may be at another one.
        loop {
            let answer = server.http().get("/root").await;
            if is_banned(&answer) {
                break answer;
            }
        }
    })
    .await;
    let problem: Value = answer.json();
    assert_eq!((&problem["detail"], &problem["title"]), (&json!("your network is blocked"), &json!("Forbidden")));
    let (header, left) = (&answer.headers["retry-after"], problem["retry_after_ms"].as_u64().unwrap());
    assert!(left <= 90_000 && left > 0, "{left}");
    assert_eq!(header.to_str().unwrap(), left.div_ceil(1000).to_string());
    clock.advance_secs(90);
    server.http().get("/root").await.ok();
    server.stop().await;
}

#[tokio::test]
async fn who_is_signed_in_goes_on_while_strangers_of_the_network_are_kept_out() {
    let server = TestServer::start_alone(|_| {}).await;
    let alice = server.sign_up("alice").await;
    let (mut device, _) = alice.live_device("a", None).await;
    let path = "/chat/ws";
    block(&server, HERE, RuleScope::Auth).await;

    alice.http.get("/users/me").await.ok();
    assert_eq!(device.store(alice.id, "still here").await["duplicate"], false);
    drop(alice.connect().await);
    let refresh = json!({"refresh_token": alice.tokens.refresh_token});
    let fresh: Value = server.http().post("/auth/refresh", &refresh).await.ok().json();
    server.http().get("/root").await.ok();

    assert!(is_banned(&log_in(&server, "alice", TestClient::PASSWORD).await));
    let account = json!({"username": "bob", "email": "b@example.org", "password": "correct horse", "public_key": "AA"});
    assert!(is_banned(&server.http().post("/auth/register", &account).await));
    assert!(is_banned(&server.http().post("/auth/refresh", &json!({"refresh_token": "x".repeat(43)})).await));
    assert!(is_banned(&server.http().get("/auth/get_all_users").await));
    let token = fresh["access_token"].as_str().unwrap();
    let signed_in = server.http().with_authorization(format!("Bearer {token}"));
    signed_in.get("/auth/get_all_users").await.ok();
    assert_eq!(refusal(&server, path, None).await, 403);
    assert_eq!(refusal(&server, path, Some("forged")).await, 403);
    let unknown = format!("{path}?ticket={}", "x".repeat(43));
    assert_eq!(refusal(&server, &unknown, None).await, 403);
    // With REST a token that does not verify is what it always is.
    let forged = server.http().with_authorization("Bearer forged").get("/users/me").await;
    assert_eq!(forged.problem(), (401, "unauthorized".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn an_expired_token_is_told_so_from_a_banned_network_too() {
    let clock = Clock::stopped_at(Clock::system().now());
    let server = TestServer::start_on(fluent_backend::testing::TestData::of_one().await, clock.clone(), |config| {
        config.limits.enabled = true;
        config.bans.exempt.clear();
        config.bans.forged_handshakes = 3;
    })
    .await;
    let alice = server.sign_up("alice").await;
    let token = alice.tokens.access_token.clone();
    block(&server, HERE, RuleScope::Auth).await;
    clock.advance_secs(16 * 60);
    for _ in 0..10 {
        assert_eq!(refusal(&server, "/chat/ws", Some(&token)).await, 401);
        assert_eq!(refusal(&server, &format!("/chat/ws?token={token}"), None).await, 401);
    }
    let rules = server.server().service().address_rules(0, 100).await.unwrap();
    assert_eq!(rules.len(), 1, "what was ours counts for no ban: {rules:?}");
    server.stop().await;
}

#[tokio::test]
async fn many_names_that_fail_ban_an_address_and_the_ban_outlives_a_restart() {
    let settings = |config: &mut fluent_backend::Config| {
        config.limits.enabled = true;
        config.bans.exempt.clear();
        config.bans.failed_names = 4;
    };
    let server = TestServer::start_alone(settings).await;
    let alice = server.sign_up("alice").await;
    // One name often, and a name that succeeds in the end.
    for _ in 0..3 {
        assert_eq!(log_in(&server, "nobody", "wrong wrong").await.status, 401);
    }
    assert_eq!(log_in(&server, "alice", "wrong wrong").await.status, 401);
    log_in(&server, "alice", TestClient::PASSWORD).await.ok();
    for name in ["n1", "n2"] {
        assert_eq!(log_in(&server, name, "wrong wrong").await.status, 401, "{name}");
    }
    assert_eq!(log_in(&server, "n3", "wrong wrong").await.status, 401, "the fourth name");
    let banned = eventually("the address is banned", async || {
        let answer = log_in(&server, "alice", TestClient::PASSWORD).await;
        is_banned(&answer).then_some(answer)
    })
    .await;
    let left = banned.json::<Value>()["retry_after_ms"].as_u64().unwrap();
    assert!((3_500_000..=3_600_000).contains(&left), "an hour: {left}");
    alice.http.get("/users/me").await.ok();

    let data = server.stop_keeping_data().await;
    let server = TestServer::start_on(data, Clock::system(), settings).await;
    assert!(is_banned(&log_in(&server, "alice", TestClient::PASSWORD).await));
    let rules = server.server().service().address_rules(0, 100).await.unwrap();
    let shown = json!(rules);
    assert_eq!(shown[0]["cidr"], "127.0.0.1/32");
    assert_eq!(
        (&shown[0]["source"], &shown[0]["scope"], &shown[0]["strikes"]),
        (&json!("auto"), &json!("auth"), &json!(1))
    );
    remove(&server, HERE).await;
    log_in(&server, "alice", TestClient::PASSWORD).await.ok();
    server.stop().await;
}

#[tokio::test]
async fn forged_handshakes_ban_an_address_unless_an_operator_lets_it_in() {
    let server = TestServer::start_alone(|config| {
        config.limits.enabled = true;
        config.bans.exempt.clear();
        config.bans.forged_handshakes = 3;
    })
    .await;
    set(&server, "127.0.0.0/24", RuleAction::Allow, RuleScope::All, None).await;
    for _ in 0..4 {
        assert_eq!(refusal(&server, "/chat/ws", Some("forged")).await, 401);
        // Without any credential nothing is forged.
        assert_eq!(refusal(&server, "/chat/ws", None).await, 401);
    }
    assert_eq!(server.server().service().address_rules(0, 100).await.unwrap().len(), 1);
    remove(&server, "127.0.0.0/24").await;
    for _ in 0..4 {
        refusal(&server, "/chat/ws", Some("forged")).await;
    }
    eventually("the address is banned", async || (refusal(&server, "/chat/ws", None).await == 403).then_some(())).await;
    server.http().get("/root").await.ok();
    server.stop().await;
}

#[tokio::test]
async fn of_a_blocked_crowd_some_are_told_and_the_others_closed() {
    let server = TestServer::start_alone(|_| {}).await;
    block(&server, "127.0.0.2", RuleScope::All).await;
    let mut crowd = Vec::new();
    for _ in 0..64 {
        crowd.push(from("127.0.0.2", server.addr()).await);
    }
    let mut beyond = from("127.0.0.2", server.addr()).await;
    let mut answer = Vec::new();
    let read = soon("it is closed", beyond.read_to_end(&mut answer)).await;
    assert!(read.is_err() || answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    for stream in &mut crowd {
        let answer = ask(stream).await;
        assert!(answer.status() == 403 && answer.text().contains("\"banned\""), "{}", answer.text());
        let mut rest = Vec::new();
        assert_eq!(soon("it is closed", stream.read_to_end(&mut rest)).await.unwrap(), 0);
    }
    server.http().get("/root").await.ok();
    let figures = server.admin().get("/metrics").await.ok().text();
    let series = "fluent_connections_refused_total{listener=\"public\",reason=\"banned\"}";
    assert!(crate::support::sample(&figures, series).unwrap() >= 1.0, "{figures}");
    server.stop().await;
}

#[tokio::test]
async fn an_operator_does_not_shut_themselves_out_by_mistake() {
    let server = TestServer::start_alone(|_| {}).await;
    let service = server.server().service();
    let asking = Some("203.0.113.7".parse::<std::net::IpAddr>().unwrap().into());
    let rule = |action| NewAddressRule {
        network: "203.0.113.0/24".parse().unwrap(),
        action,
        scope: RuleScope::All,
        reason: String::new(),
        expires_at: None,
    };
    assert!(service.set_address_rule(rule(RuleAction::Block), asking, false, BY).await.is_err());
    service.set_address_rule(rule(RuleAction::Allow), asking, false, BY).await.unwrap();
    service.set_address_rule(rule(RuleAction::Block), asking, true, BY).await.unwrap();
    let network = "198.51.100.0/24".parse().unwrap();
    let missing = WhichRules::Network { network, scope: None };
    assert!(service.remove_address_rules(missing, BY).await.is_err(), "there is none");
    let client = "203.0.113.9".parse::<std::net::IpAddr>().unwrap().into();
    let deciding = service.deciding_address_rule(client, RuleScope::Auth).await.unwrap().unwrap();
    assert_eq!(deciding.action, RuleAction::Block);
    let options = server.http().send(Method::OPTIONS, "/root", HeaderMap::new(), bytes::Bytes::new()).await;
    assert_ne!(options.status, 403);
    server.stop().await;
}
