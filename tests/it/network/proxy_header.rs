//! Connections that begin with a header of the PROXY protocol.

use std::net::{IpAddr, SocketAddr};

use fluent_backend::config::ClientAddressSource;
use fluent_backend::testing::{TestServer, eventually, soon};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::config::behind_proxy;
use crate::support::raw::{RawAnswer, read_answer};
use crate::support::sample;

const REQUEST: &[u8] = b"GET /root HTTP/1.1\r\nHost: x\r\n\r\n";

/// The header of a proxy before a client's connection.
fn header(client: IpAddr) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    let (family, addresses) = match client {
        IpAddr::V4(v4) => (0x11, [v4.octets(), [10, 0, 0, 1]].concat()),
        IpAddr::V6(v6) => (0x21, [v6.octets(), [0; 16]].concat()),
    };
    header.extend([0x21, family]);
    header.extend(u16::try_from(addresses.len() + 4).unwrap().to_be_bytes());
    header.extend(addresses);
    header.extend([0x9c, 0x40, 0, 80]);
    header
}

/// The header of a proxy that speaks for itself.
fn local() -> Vec<u8> {
    [b"\r\n\r\n\0\r\nQUIT\n".as_slice(), &[0x20, 0, 0, 0]].concat()
}

/// Opens a connection that begins with these bytes, and asks for a page on it.
async fn ask(addr: SocketAddr, begin: &[u8]) -> (TcpStream, RawAnswer) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(begin).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    let answer = read_answer(&mut stream).await;
    (stream, answer)
}

/// Waits until the server closes a connection that begins with these bytes, without a word.
async fn is_closed(addr: SocketAddr, begin: &[u8]) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    // It may be closed meanwhile.
    let _ = stream.write_all(begin).await;
    let mut answer = Vec::new();
    let read = soon("the server closes the connection", stream.read_to_end(&mut answer)).await;
    assert!(read.is_err() || answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
}

async fn refused(server: &TestServer) -> f64 {
    let figures = server.admin().get("/metrics").await.ok().text();
    let series = "fluent_connections_refused_total{listener=\"public\",reason=\"proxy_header\"}";
    sample(&figures, series).unwrap()
}

#[tokio::test]
async fn each_client_behind_a_proxy_has_connections_of_its_own() {
    let server = TestServer::start_alone(|config| {
        behind_proxy(config, ClientAddressSource::ProxyProtocol);
        config.server.max_connections_per_address = 1;
    })
    .await;
    let alice = header("198.51.100.7".parse().unwrap());
    let (held, answer) = ask(server.addr(), &alice).await;
    assert_eq!(answer.status(), 200);
    is_closed(server.addr(), &[alice.as_slice(), REQUEST].concat()).await;
    for other in ["198.51.100.8", "2001:db8::1"] {
        let (_held, answer) = ask(server.addr(), &header(other.parse().unwrap())).await;
        assert_eq!(answer.status(), 200, "{other}");
    }
    drop(held);
    eventually("the client's place is free", || async {
        let mut stream = TcpStream::connect(server.addr()).await.unwrap();
        stream.write_all(&alice).await.unwrap();
        let _ = stream.write_all(REQUEST).await;
        let mut byte = [0];
        matches!(stream.read(&mut byte).await, Ok(1)).then_some(())
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn a_proxy_may_speak_for_itself_and_headers_may_come_in_pieces() {
    let server = TestServer::start_alone(|config| behind_proxy(config, ClientAddressSource::ProxyProtocol)).await;
    for _ in 0..2 {
        assert_eq!(ask(server.addr(), &local()).await.1.status(), 200);
    }
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    for byte in header("198.51.100.7".parse().unwrap()) {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    stream.write_all(REQUEST).await.unwrap();
    assert_eq!(read_answer(&mut stream).await.status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn a_connection_without_a_header_that_can_be_used_is_closed() {
    let server = TestServer::start_alone(|config| behind_proxy(config, ClientAddressSource::ProxyProtocol)).await;
    let before = refused(&server).await;
    is_closed(server.addr(), REQUEST).await;
    is_closed(server.addr(), b"PROXY TCP4 198.51.100.7 10.0.0.1 40000 80\r\n").await;
    let by_udp: Vec<u8> = header("198.51.100.7".parse().unwrap()).into_iter().collect();
    let by_udp = [&by_udp[..13], &[0x12], &by_udp[14..]].concat();
    is_closed(server.addr(), &by_udp).await;
    // Nothing at all within 2 s.
    is_closed(server.addr(), b"").await;
    assert!(refused(&server).await >= before + 4.0);
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_is_no_proxys_is_closed() {
    let server = TestServer::start_alone(|config| {
        behind_proxy(config, ClientAddressSource::ProxyProtocol);
        config.server.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    })
    .await;
    is_closed(server.addr(), &[header("198.51.100.7".parse().unwrap()).as_slice(), REQUEST].concat()).await;
    assert_eq!(server.admin().get("/healthz").await.status, 200, "operators come without a proxy");
    server.stop().await;
}
