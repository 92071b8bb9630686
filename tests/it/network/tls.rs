//! TLS in the process: requests and sockets, certificates that are renewed, and what keeps a server from starting.

use std::sync::Arc;

use fluent_backend::config::{ClientAddressSource, TlsVersion};
use fluent_backend::testing::{TestClient, TestServer, eventually, soon};
use fluent_backend::{Server, ServerError};
use futures_util::{SinkExt as _, StreamExt as _};
use http::HeaderValue;
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::config::behind_proxy;
use crate::support::sample;
use crate::support::tls::{BOTH, Pair, TlsFiles, client, connect, put, shake_hands, shown};

type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// Sends a request that ends its connection; returns the whole response.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, line: &str, headers: &str, body: &str) -> String {
    let head = format!("{line} HTTP/1.1\r\nHost: chat.example.org\r\nConnection: close\r\n{headers}");
    let request = format!("{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A server need not say that it closes the connection.
    let _ = soon("an answer", stream.read_to_end(&mut answer)).await;
    String::from_utf8(answer).unwrap()
}

/// Registers a user and logs in; returns the access token.
async fn sign_up(tls: &Arc<ClientConfig>, server: &TestServer, name: &str) -> String {
    let email = format!("{name}@example.org");
    let account = json!({"username": name, "email": email, "password": TestClient::PASSWORD, "public_key": "AAAA"});
    let registered =
        ask(connect(tls, server.addr()).await.unwrap(), "POST /auth/register", "", &account.to_string()).await;
    assert!(registered.starts_with("HTTP/1.1 201"), "{registered}");
    let login = json!({"username": name, "password": TestClient::PASSWORD}).to_string();
    let answer = ask(connect(tls, server.addr()).await.unwrap(), "POST /auth/login", "", &login).await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str::<Value>(body).unwrap()["access_token"].as_str().unwrap().to_owned()
}

/// Opens a socket of the legacy dialect.
async fn socket(tls: &Arc<ClientConfig>, server: &TestServer, token: &str) -> Socket {
    let mut request = "wss://chat.example.org/chat/ws".into_client_request().unwrap();
    request.headers_mut().insert("authorization", HeaderValue::try_from(format!("Bearer {token}")).unwrap());
    let stream = connect(tls, server.addr()).await.unwrap();
    Box::pin(soon("a socket", client_async(request, stream))).await.unwrap().0
}

/// Sends a ping, and waits until it comes back.
async fn is_alive(socket: &mut Socket) {
    socket.send(Message::Ping("here".into())).await.unwrap();
    let pong = async {
        loop {
            match socket.next().await.unwrap().unwrap() {
                Message::Pong(_) => return,
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    soon("a pong", pong).await;
}

async fn failures(server: &TestServer) -> f64 {
    let figures = server.admin().get("/metrics").await.ok().text();
    sample(&figures, "fluent_tls_reload_failures_total").unwrap()
}

#[tokio::test]
async fn requests_and_sockets_come_by_tls() {
    let pair = Pair::new();
    let files = TlsFiles::new(&pair);
    let server = TestServer::start_with(|config| files.configure(config)).await;
    for (version, expected) in
        [(&rustls::version::TLS12, ProtocolVersion::TLSv1_2), (&rustls::version::TLS13, ProtocolVersion::TLSv1_3)]
    {
        let stream = connect(&client(&[&pair], &[version]), server.addr()).await.unwrap();
        let connection = stream.get_ref().1;
        assert_eq!(connection.protocol_version(), Some(expected));
        assert_eq!(connection.alpn_protocol(), Some(b"http/1.1".as_slice()));
        let answer = ask(stream, "GET /root", "", "").await.to_lowercase();
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");
    }
    let tls = client(&[&pair], BOTH);
    let token = sign_up(&tls, &server, "alice").await;
    let mut alice = socket(&tls, &server, &token).await;
    is_alive(&mut alice).await;
    let me = ask(connect(&tls, server.addr()).await.unwrap(), "GET /users/me", &bearer(&token), "").await;
    assert!(me.starts_with("HTTP/1.1 200") && me.contains("alice"), "{me}");
    let plain = server.admin().get("/healthz").await;
    assert_eq!(plain.status, 200, "operators come without");
    alice.close(None).await.unwrap();
    server.stop().await;
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

#[tokio::test]
async fn clear_text_and_older_versions_are_refused() {
    let pair = Pair::new();
    let files = TlsFiles::new(&pair);
    let server = TestServer::start_alone(|config| {
        files.configure(config);
        config.tls.min_version = TlsVersion::V1_3;
        config.server.handshake_timeout_s = 1;
    })
    .await;
    assert!(connect(&client(&[&pair], &[&rustls::version::TLS12]), server.addr()).await.is_err());
    assert!(connect(&client(&[&pair], &[&rustls::version::TLS13]), server.addr()).await.is_ok());
    let plain = ask(TcpStream::connect(server.addr()).await.unwrap(), "GET /root", "", "");
    assert!(!plain.await.starts_with("HTTP"), "the answer is no HTTP");
    // Nothing comes at all: the connection is closed when the time for the handshake is over.
    let mut silent = TcpStream::connect(server.addr()).await.unwrap();
    let mut nothing = Vec::new();
    assert_eq!(soon("the server closes the connection", silent.read_to_end(&mut nothing)).await.unwrap(), 0);
    let figures = server.admin().get("/metrics").await.ok().text();
    assert!(sample(&figures, "fluent_tls_handshake_failures_total").unwrap() >= 3.0, "{figures}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_replaced_under_a_thousand_open_sockets() {
    const SOCKETS: usize = 1000;
    let (former, next) = (Pair::new(), Pair::new());
    let files = TlsFiles::new(&former);
    let server = TestServer::start_alone(|config| {
        files.configure(config);
        config.socket.max_per_user = SOCKETS;
    })
    .await;
    let tls = client(&[&former, &next], BOTH);
    let token = sign_up(&tls, &server, "alice").await;
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        sockets.push(socket(&tls, &server, &token).await);
    }
    files.write(&next);
    // The server looks every ten seconds.
    let fresh = client(&[&former, &next], BOTH);
    eventually("the new certificate is used", async || {
        let stream = connect(&fresh, server.addr()).await.unwrap();
        (shown(&stream) == next.der()).then_some(())
    })
    .await;
    for socket in &mut sockets {
        is_alive(socket).await;
    }
    // A session that began with the former certificate is resumed.
    let stream = connect(&tls, server.addr()).await.unwrap();
    assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
    for mut socket in sockets {
        socket.close(None).await.unwrap();
    }
    server.stop().await;
}

#[tokio::test]
async fn a_pair_that_is_half_written_is_not_used() {
    let (former, next) = (Pair::new(), Pair::new());
    let files = TlsFiles::new(&former);
    let server = TestServer::start_alone(|config| files.configure(config)).await;
    let present = async || {
        server.server().reload().await;
        shown(&connect(&client(&[&former, &next], BOTH), server.addr()).await.unwrap())
    };
    let before = failures(&server).await;
    put(&files.certificate(), &next.certificate);
    assert_eq!(present().await, former.der());
    assert_eq!(present().await, former.der());
    assert!(failures(&server).await > before);
    put(&files.key(), &next.key[..next.key.len() / 2]);
    assert_eq!(present().await, former.der());
    std::fs::remove_file(files.key()).unwrap();
    assert_eq!(present().await, former.der());
    put(&files.key(), &next.key);
    assert_eq!(present().await, next.der());
    let figures = server.admin().get("/metrics").await.ok().text();
    let end = sample(&figures, "fluent_tls_certificate_not_after_timestamp_seconds").unwrap();
    assert!(end > 1_700_000_000.0, "{end}");
    server.stop().await;
}

#[tokio::test]
async fn files_that_do_not_belong_together_keep_the_server_from_starting() {
    let (one, other) = (Pair::new(), Pair::new());
    let files = TlsFiles::new(&one);
    let started = async || {
        let mut config = TestServer::config();
        let dir = tempfile::tempdir().unwrap();
        config.server.data_dir = dir.path().to_owned();
        files.configure(&mut config);
        Box::pin(Server::start(config)).await.map(|_| ()).unwrap_err()
    };
    put(&files.key(), &other.key);
    assert!(matches!(started().await, ServerError::Tls(_)));
    put(&files.key(), &one.certificate);
    let error = started().await.to_string();
    assert!(error.contains("privkey.pem holds no key"), "{error}");
    std::fs::remove_file(files.certificate()).unwrap();
    let error = started().await.to_string();
    assert!(error.contains("cannot read") && error.contains("fullchain.pem"), "{error}");
}

#[tokio::test]
async fn the_header_of_a_proxy_comes_before_the_handshake() {
    let pair = Pair::new();
    let files = TlsFiles::new(&pair);
    let server = TestServer::start_alone(|config| {
        files.configure(config);
        behind_proxy(config, ClientAddressSource::ProxyProtocol);
    })
    .await;
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc6\x33\x64\x07\x0a\0\0\x01\x9c\x40\0\x50";
    stream.write_all(header).await.unwrap();
    let stream = shake_hands(&client(&[&pair], BOTH), stream).await.unwrap();
    assert!(ask(stream, "GET /root", "", "").await.starts_with("HTTP/1.1 200"));
    server.stop().await;
}

#[tokio::test]
async fn who_finds_no_place_is_told_so_by_tls() {
    let pair = Pair::new();
    let files = TlsFiles::new(&pair);
    let server = TestServer::start_alone(|config| {
        files.configure(config);
        config.server.max_connections = 1;
    })
    .await;
    let tls = client(&[&pair], BOTH);
    let token = sign_up(&tls, &server, "alice").await;
    let mut held = eventually("the place is free", || async {
        let stream = connect(&tls, server.addr()).await.ok()?;
        let mut request = "wss://chat.example.org/chat/ws".into_client_request().unwrap();
        request.headers_mut().insert("authorization", HeaderValue::try_from(format!("Bearer {token}")).unwrap());
        Box::pin(client_async(request, stream)).await.ok().map(|(socket, _)| socket)
    })
    .await;
    let refused = ask(connect(&tls, server.addr()).await.unwrap(), "GET /root", "", "").await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    is_alive(&mut held).await;
    held.close(None).await.unwrap();
    server.stop().await;
}
