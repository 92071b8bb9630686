//! Places for connections: neither a crowd nor one stranger with as many connections as there are places keeps others
//! out; clients that are signed in stay; and a server that is really full says so.

use std::time::{Duration, Instant};

use fluent_backend::testing::{Http, TestClient, TestServer, eventually, soon};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::binary::{ServerProcess, run};
use crate::support::sample;

/// How long a newcomer may wait.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Sends a request for `path` on a connection that stays open; returns the head of the answer.
async fn ask(stream: &mut TcpStream, path: &str, header: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 8192];
    let n = soon("an answer", stream.read(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer[..n]).into_owned()
}

/// A connection that has had an answer and is idle now.
async fn idle(addr: std::net::SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let answer = ask(&mut stream, "/healthz", "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stream
}

/// Whether the server has closed it; `false` when nothing has come.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    matches!(tokio::time::timeout(Duration::from_millis(50), stream.read(&mut byte)).await, Ok(Ok(0) | Err(_)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_gets_the_place_of_the_longest_idle_stranger() {
    const PLACES: usize = 300;
    let server = TestServer::start_alone(|config| config.server.max_connections = PLACES).await;
    let alice = server.sign_up("alice").await;
    // Idle for longest, and signed in: a socket, and a connection with one request.
    let (mut device, _) = alice.live_device("a", None).await;
    let mut signed_in = TcpStream::connect(server.addr()).await.unwrap();
    let bearer = format!("Authorization: Bearer {}\r\n", alice.tokens.access_token);
    assert!(ask(&mut signed_in, "/chat/chat_list", &bearer).await.starts_with("HTTP/1.1 200"));
    let mut crowd = Vec::new();
    for _ in 0..PLACES {
        crowd.push(idle(server.addr()).await);
    }
    // Active since: no longer the one that has been idle for longest.
    let survivor = crowd.iter_mut().rev().nth(PLACES - 20).unwrap();
    assert!(ask(survivor, "/healthz", "").await.starts_with("HTTP/1.1 200"));
    let started = Instant::now();
    for _ in 0..40 {
        crowd.push(idle(server.addr()).await);
    }
    assert!(started.elapsed() < AT_ONCE * 40, "newcomers wait: {:?}", started.elapsed());
    assert!(is_closed(&mut crowd[0]).await && is_closed(&mut crowd[15]).await && is_closed(&mut crowd[25]).await);
    assert!(!is_closed(&mut crowd[19]).await, "it was active");
    assert!(!is_closed(crowd.last_mut().unwrap()).await);
    assert_eq!(device.store(alice.id, "still here").await["duplicate"], false);
    assert!(ask(&mut signed_in, "/chat/chat_list", &bearer).await.starts_with("HTTP/1.1 200"));
    let fresh = Http::new(server.addr());
    assert!(fresh.get("/readyz").await.ok().json::<Value>()["connections"].as_bool().unwrap());
    let figures = server.admin().get("/metrics").await.ok().text();
    assert!(sample(&figures, "fluent_connections_evicted_total{listener=\"public\"}").unwrap() >= 40.0, "{figures}");
    assert!(sample(&figures, "fluent_connections{listener=\"public\"}").is_some(), "{figures}");
    server.stop().await;
}

/// Unfinished requests are no way to keep a place.
#[tokio::test]
async fn who_never_finishes_a_request_loses_the_place_too() {
    let server = TestServer::start_alone(|config| config.server.max_connections = 20).await;
    let mut slow = Vec::new();
    for i in 0..20 {
        let mut stream = TcpStream::connect(server.addr()).await.unwrap();
        let half: &[u8] = match i % 3 {
            0 => b"",
            1 => b"GET /root HT",
            _ => {
                b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
            }
        };
        stream.write_all(half).await.unwrap();
        slow.push(stream);
    }
    let started = Instant::now();
    for _ in 0..20 {
        drop(idle(server.addr()).await);
    }
    assert!(started.elapsed() < AT_ONCE * 5, "{:?}", started.elapsed());
    server.stop().await;
}

#[tokio::test]
async fn a_server_full_of_people_says_so_and_keeps_nobody_waiting() {
    let server = TestServer::start_alone(|config| config.server.max_connections = 4).await;
    let alice = server.sign_up("alice").await;
    let mut devices = Vec::new();
    for i in 0..4 {
        devices.push(alice.live_device(&format!("d{i}"), None).await.0);
    }
    let mut newcomer = TcpStream::connect(server.addr()).await.unwrap();
    let started = Instant::now();
    let answer = ask(&mut newcomer, "/root", "").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: "), "{answer}");
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    let ready = server.admin().get("/readyz").await;
    let body: Value = ready.json();
    assert_eq!((ready.status.as_u16(), &body["connections"], &body["database"]), (503, &false.into(), &true.into()));
    let figures = server.admin().get("/metrics").await.ok().text();
    let refused = "fluent_connections_refused_total{listener=\"public\",reason=\"full\"}";
    assert!(sample(&figures, refused).unwrap() >= 1.0, "{figures}");
    assert_eq!(devices[0].store(alice.id, "still here").await["duplicate"], false);
    devices.pop().unwrap().socket.close().await;
    let ready = async || (server.admin().get("/readyz").await.status == 200).then_some(());
    eventually("there is a place again", ready).await;
    drop(idle(server.addr()).await);
    server.stop().await;
}

#[tokio::test]
async fn operators_always_find_a_place() {
    let server = TestServer::start().await;
    let admin = server.admin().addr();
    let mut crowd = Vec::new();
    for _ in 0..200 {
        crowd.push(TcpStream::connect(admin).await.unwrap());
    }
    let started = Instant::now();
    drop(idle(admin).await);
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    server.stop().await;
}

/// A full server stays alive for its supervisor, since a restart would end all connections.
#[tokio::test]
async fn the_health_check_of_a_full_server_succeeds_and_its_log_says_that_it_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[("FLUENT__SERVER__MAX_CONNECTIONS", "4")]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let mut sockets = Vec::new();
    for _ in 0..4 {
        sockets.push(alice.connect().await);
    }
    let mut newcomer = TcpStream::connect(server.addr).await.unwrap();
    newcomer.write_all(b"GET /root HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let (listen, admin) = (server.addr.to_string(), server.admin().to_string());
    let variables = [("FLUENT__SERVER__LISTEN", listen.as_str()), ("FLUENT__ADMIN__LISTEN", admin.as_str())];
    let started = Instant::now();
    let output = run(dir.path(), &["healthcheck"], &variables).await;
    assert!(output.status.success(), "{output:?}");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert!(String::from_utf8_lossy(&output.stdout).contains("full"), "{output:?}");
    let told = async || server.log().contains("all places for connections are taken").then_some(());
    eventually("the log says it", told).await;
    assert!(server.stop().await.success());
}

/// As many idle connections as there are places by default, of one address: `FLUENT_IDLE_CONNECTIONS=16384`.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_with_all_places_keeps_nobody_out() {
    let count = std::env::var("FLUENT_IDLE_CONNECTIONS").map_or(256, |count| count.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let places = count.to_string();
    let server = ServerProcess::start(dir.path(), &[("FLUENT__SERVER__MAX_CONNECTIONS", &places)]).await;
    let mut crowd = Vec::new();
    for _ in 0..count {
        crowd.push(idle(server.addr).await);
    }
    let (listen, admin) = (server.addr.to_string(), server.admin().to_string());
    for _ in 0..10 {
        let started = Instant::now();
        drop(idle(server.addr).await);
        assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
        let variables = [("FLUENT__SERVER__LISTEN", listen.as_str()), ("FLUENT__ADMIN__LISTEN", admin.as_str())];
        assert!(run(dir.path(), &["healthcheck"], &variables).await.status.success());
    }
    assert!(server.stop().await.success());
}
