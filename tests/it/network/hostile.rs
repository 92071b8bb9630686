//! Hostile and broken peers: each is refused or gets an error, and others are served meanwhile.

use std::time::Duration;

use fluent_backend::testing::{TestServer, TestSocket, soon};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

/// Checks that the server still serves other clients.
async fn serves_others(server: &TestServer) {
    let name = format!("bystander{}@example.org", rand::random::<u64>());
    let user = server.sign_up(&name).await;
    let mut socket = user.connect().await;
    socket.send_message(user.id, "r", "still served").await;
    assert_eq!(socket.next_message().await.content, "still served");
    socket.close().await;
}

/// Reads what comes back until the server closes the connection.
async fn until_closed(mut stream: TcpStream) -> Vec<u8> {
    soon("the server closes the connection", async {
        let mut answer = Vec::new();
        // A reset is a close, too.
        let _ = stream.read_to_end(&mut answer).await;
        answer
    })
    .await
}

async fn open(server: &TestServer) -> TestSocket {
    server.sign_up(&format!("peer{}@example.org", rand::random::<u64>())).await.connect().await
}

/// The code of the close frame at the start of unmasked server frames.
fn close_code(answer: &[u8]) -> Option<u16> {
    match answer {
        [0x88, len, high, low, ..] if *len >= 2 => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}

#[tokio::test]
async fn a_frame_of_5_mib_is_closed_with_1009() {
    let server = TestServer::start().await;
    let mut socket = open(&server).await;
    // The server may stop reading in the middle of it.
    let _ = socket.send(Message::text("x".repeat(5 << 20))).await;
    assert_eq!(socket.close_code().await, 1009);

    // The header alone is enough, whatever it promises.
    let mut stream = open(&server).await.into_stream();
    stream.write_all(&[0x81, 0xff, 0, 0, 0, 0xff, 0, 0, 0, 0, 1, 2, 3, 4]).await.unwrap();
    assert_eq!(close_code(&until_closed(stream).await), Some(1009));
    serves_others(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_message_in_fragments_cannot_grow_past_the_limit() {
    let server = TestServer::start().await;
    let mut stream = open(&server).await.into_stream();
    let mut chunk = vec![0x00, 0xfe, 0x80, 0x00, 0, 0, 0, 0];
    chunk.resize(8 + 0x8000, b'x');
    stream.write_all(&[0x01, 0x80, 0, 0, 0, 0]).await.unwrap();
    for _ in 0..200 {
        if stream.write_all(&chunk).await.is_err() {
            break;
        }
    }
    assert_eq!(close_code(&until_closed(stream).await), Some(1009));
    serves_others(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn frames_against_the_protocol_are_closed_with_1002() {
    let server = TestServer::start().await;
    for bytes in [
        &b"\x81\x05hello"[..],                     // unmasked
        &b"\xc1\x80\0\0\0\0"[..],                  // reserved bit
        &b"\x83\x80\0\0\0\0"[..],                  // reserved opcode
        &b"\x09\x80\0\0\0\0"[..],                  // fragmented ping
        &b"\x80\x80\0\0\0\0"[..],                  // continuation of nothing
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], // garbage
    ] {
        let mut stream = open(&server).await.into_stream();
        stream.write_all(bytes).await.unwrap();
        let answer = until_closed(stream).await;
        assert_eq!(close_code(&answer), Some(1002), "{bytes:?} {answer:?}");
    }
    // Text that is not UTF-8.
    let mut stream = open(&server).await.into_stream();
    stream.write_all(b"\x81\x82\0\0\0\0\xff\xfe").await.unwrap();
    assert_eq!(close_code(&until_closed(stream).await), Some(1007));
    serves_others(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn deep_json_is_refused_everywhere() {
    let server = TestServer::start().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut socket = open(&server).await;
    for frame in
        [deep.clone(), format!("{{\"receiverID\":{deep}}}"), format!("{{\"x\":{deep}}}"), "{\"a\":".repeat(20_000)]
    {
        socket.send_text(&frame).await;
        let code = socket.next_error().await["code"].clone();
        assert!(code == "bad_frame" || code == "bad_json", "{code}");
    }
    let headers = http::HeaderMap::new;
    let answer = server.http().send(http::Method::POST, "/auth/login", headers(), deep.into()).await;
    assert!(answer.status.is_client_error());
    serves_others(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn connections_that_send_nothing_or_too_slowly_are_closed() {
    let server = TestServer::start_with(|config| {
        config.server.handshake_timeout_s = 1;
        config.server.keep_alive_s = 2;
    })
    .await;
    let addr = server.addr();
    let connect = async || TcpStream::connect(addr).await.unwrap();
    // Half-open: nothing at all.
    let silent = connect().await;
    // Headers that never end.
    let mut slow = connect().await;
    slow.write_all(b"GET /root HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    // Headers that come a byte at a time.
    let mut trickle = connect().await;
    let trickling = async {
        for byte in b"GET /root HTTP/1.1\r\nHost: x\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            .iter()
            .cycle()
        {
            if trickle.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    // A second request that never comes.
    let mut idle = connect().await;
    idle.write_all(b"GET /root HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let (_, _, (), answer) =
        tokio::join!(until_closed(silent), until_closed(slow), soon("the trickle ends", trickling), until_closed(idle));
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
    serves_others(&server).await;
    server.stop().await;
}

/// The handshake's deadline is for the first request only.
#[tokio::test]
async fn a_connection_in_use_outlives_the_handshake_deadline() {
    let server = TestServer::start_with(|config| config.server.handshake_timeout_s = 1).await;
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let request = b"GET /root HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut answer = vec![0; 4096];
    for _ in 0..2 {
        stream.write_all(request).await.unwrap();
        let n = soon("an answer", stream.read(&mut answer)).await.unwrap();
        assert!(answer[..n].starts_with(b"HTTP/1.1 200"), "{n}");
        let more = tokio::time::timeout(Duration::from_millis(1300), stream.read(&mut answer)).await;
        assert!(more.is_err(), "closed although in use: {more:?}");
    }
    server.stop().await;
}

/// Asks for much and reads nothing: what waits for such a peer is given up.
#[tokio::test]
async fn a_peer_that_does_not_read_its_answers_is_closed() {
    let server = TestServer::start_with(|config| config.socket.write_timeout_s = 1).await;
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let request = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n";
    let refused = async { while stream.write_all(request).await.is_ok() {} };
    soon("the server closes the connection", refused).await;
    serves_others(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_never_comes_is_answered() {
    let server = TestServer::start_with(|config| config.server.request_timeout_s = 1).await;
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{").await.unwrap();
    let mut head = [0; 12];
    soon("an answer", stream.read_exact(&mut head)).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 503");
    serves_others(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn garbage_and_oversized_heads_are_refused() {
    let server = TestServer::start().await;
    let long = format!("GET /root HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "a".repeat(100_000));
    let many = format!("GET /root HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-A: b\r\n".repeat(500));
    let random: Vec<u8> = (0..4096).map(|_| rand::random::<u8>()).collect();
    for bytes in
        [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), random, b"\0".repeat(64), long.into(), many.into()]
    {
        let mut stream = TcpStream::connect(server.addr()).await.unwrap();
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        let answer = until_closed(stream).await;
        let status = answer.get(..12).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        assert!(answer.is_empty() || status.starts_with("HTTP/1.1 4"), "{status}");
    }
    serves_others(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_socket_that_is_cut_leaves_nothing_behind() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    for _ in 0..20 {
        let mut socket = alice.connect().await;
        socket.send_message(alice.id, "r", "s").await;
        // No close, perhaps in the middle of the echo.
        drop(socket.into_stream());
    }
    let gone = async || (server.open_sockets() == 0).then_some(());
    fluent_backend::testing::eventually("all sockets are gone", gone).await;
    serves_others(&server).await;
    server.stop().await;
}
