//! The stop of a server: no client decides how long it takes, and busy clients still get `going_away`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fluent_backend::testing::{TestServer, TestSocket, soon};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// What a stop may take with few sockets.
const STOP: Duration = Duration::from_secs(10);

/// A masked text frame; the mask is zero.
fn frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    [&[0x81, 0xfe], length.to_be_bytes().as_slice(), &[0; 4], text.as_bytes()].concat()
}

/// A connection that takes in little before its owner reads.
async fn narrow(server: &TestServer) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(server.addr()).await.unwrap()
}

/// An open `fluent.v1` socket on a narrow connection, all read so far.
async fn narrow_device(server: &TestServer, token: &str) -> TcpStream {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", "fluent.v1")];
    let stream = narrow(server).await;
    let (mut socket, _) = TestSocket::shake_hands_on(stream, "/chat/ws?device_id=narrow", &headers).await.unwrap();
    while !socket.next_text().await.contains("\"live\"") {}
    socket.into_stream()
}

/// Sends pings, reads nothing, and counts them, until there are enough.
async fn ping(stream: &mut (impl tokio::io::AsyncWrite + Unpin), enough: &AtomicUsize, sent: &AtomicUsize) {
    let ping = frame(&json!({"type": "ping", "ref": "x".repeat(64)}).to_string());
    while sent.load(Ordering::Relaxed) < enough.load(Ordering::Relaxed) && stream.write_all(&ping).await.is_ok() {
        sent.fetch_add(1, Ordering::Relaxed);
    }
}

/// Waits until the count stands still, and not only for a retransmission: both sides wait for the other to read.
async fn stands_still(sent: &AtomicUsize) {
    let standing = async {
        let (mut before, mut since) = (0, Instant::now());
        while before == 0 || since.elapsed() < Duration::from_secs(3) {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = sent.load(Ordering::Relaxed);
            if now != before {
                (before, since) = (now, Instant::now());
            }
        }
    };
    soon("the server stops reading", standing).await;
}

/// Everything until the end.
async fn rest(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut all = Vec::new();
    // A reset is an end, too; what came before it counts.
    let _ = soon("the server closes", stream.read_to_end(&mut all)).await;
    all
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The start of a close frame of the server with this code.
fn close_frame(code: u16, text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len() + 2).unwrap();
    [&[0x88, length], code.to_be_bytes().as_slice(), text.as_bytes()].concat()
}

/// Half a head, half a second head, half a body, an answer that is not read, a socket that is not read.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_decides_how_long_a_stop_takes() {
    let server = TestServer::start_with(|config| config.server.drain_window_s = 30).await;
    let alice = server.sign_up("alice").await;
    let mut half_head = TcpStream::connect(server.addr()).await.unwrap();
    half_head.write_all(b"GET /root HT").await.unwrap();
    let mut second_head = TcpStream::connect(server.addr()).await.unwrap();
    second_head.write_all(b"GET /root HTTP/1.1\r\nHost: x\r\n\r\nGET /root HT").await.unwrap();
    let mut answer = [0; 12];
    soon("an answer", second_head.read_exact(&mut answer)).await.unwrap();
    let mut half_body = TcpStream::connect(server.addr()).await.unwrap();
    let head = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{";
    half_body.write_all(head.as_bytes()).await.unwrap();
    let mut unread = narrow(&server).await;
    unread.write_all("GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20).as_bytes()).await.unwrap();
    let device = narrow_device(&server, &alice.tokens.access_token).await;
    let (reading, mut writing) = device.into_split();
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = sent.clone();
    let pinging = tokio::spawn(async move { ping(&mut writing, &AtomicUsize::new(usize::MAX), &counted).await });
    stands_still(&sent).await;

    let started = Instant::now();
    let stopping = tokio::spawn(server.drain());
    rest(&mut half_head).await;
    rest(&mut second_head).await;
    assert!(started.elapsed() < Duration::from_secs(2), "half heads are closed at once: {:?}", started.elapsed());
    stopping.await.unwrap();
    assert!(started.elapsed() < STOP, "{:?}", started.elapsed());
    // When a writer whose peer's window is shut learns of the end is up to its kernel (RFC 9293 §3.8.6.1).
    pinging.abort();
    drop((half_body, unread, reading));
}

/// A body whose rest comes within seconds is answered, also when the server has begun to stop.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_on_its_way_is_answered_before_the_stop() {
    let server = TestServer::start().await;
    server.sign_up("alice").await;
    let body = json!({"username": "alice", "password": fluent_backend::testing::TestClient::PASSWORD}).to_string();
    let (first, second) = body.split_at(10);
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let length = body.len();
    let head = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue";
    stream.write_all(format!("{head}\r\nContent-Length: {length}\r\n\r\n").as_bytes()).await.unwrap();
    let mut asked = [0; 25];
    soon("the server asks for the body", stream.read_exact(&mut asked)).await.unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100"));
    stream.write_all(first.as_bytes()).await.unwrap();
    let admin = server.admin();
    let stopping = tokio::spawn(server.drain());
    let draining = async || {
        let ready: serde_json::Value = admin.get("/readyz").await.json();
        (ready["draining"] == true).then_some(())
    };
    fluent_backend::testing::eventually("the drain has begun", draining).await;
    stream.write_all(second.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with(b"HTTP/1.1 200") && contains(&answer, b"access_token"), "{}", answer.len());
    stopping.await.unwrap();
}

/// Attempts that a kernel may spoil.
const ATTEMPTS: usize = 4;

/// It writes a lot before it reads, so that both sides wait for each other when the server begins to stop.
///
/// Linux drops a segment for which it has no room after all, and then what its peer says of its own window, since that
/// comes behind the segment. Such a client does not learn that the server reads on, until timers of minutes have run
/// out. That spoils an attempt in ten or so on a busy machine; a server that does not read on spoils all of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_writes_before_it_reads_is_told_of_the_restart() {
    for _ in 0..ATTEMPTS {
        if let Some(heard) = heard_by_one_that_writes_before_it_reads().await {
            assert!(contains(&heard, b"going_away"), "{} bytes", heard.len());
            let end = &heard[heard.len().saturating_sub(40)..];
            assert!(contains(&heard, &close_frame(1012, "restart")), "{end:?}");
            return;
        }
    }
    panic!("the server reads and forgets the rest");
}

/// Returns what the client reads in the end; `None` when it could not write all before.
async fn heard_by_one_that_writes_before_it_reads() -> Option<Vec<u8>> {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    let mut device = narrow_device(&server, &alice.tokens.access_token).await;
    let sent = Arc::new(AtomicUsize::new(0));
    let enough = Arc::new(AtomicUsize::new(usize::MAX));
    let (counter, limit) = (sent.clone(), enough.clone());
    let client = tokio::spawn(async move {
        ping(&mut device, &limit, &counter).await;
        rest(&mut device).await
    });
    stands_still(&sent).await;
    let wanted = sent.load(Ordering::Relaxed) + 10_000;
    enough.store(wanted, Ordering::Relaxed);
    server.drain().await;
    if sent.load(Ordering::Relaxed) < wanted {
        client.abort();
        return None;
    }
    assert_eq!(sent.load(Ordering::Relaxed), wanted, "the server read and forgot the rest");
    Some(client.await.unwrap())
}

/// It writes all the time, and stops only when it has read the close frame, as clients do.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_pauses_is_told_of_the_restart() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    let device = narrow_device(&server, &alice.tokens.access_token).await;
    let (mut reading, mut writing) = device.into_split();
    let sent = Arc::new(AtomicUsize::new(0));
    let (counted, closed) = (sent.clone(), tokio_util::sync::CancellationToken::new());
    let told = closed.clone();
    let writer = tokio::spawn(async move {
        told.run_until_cancelled(ping(&mut writing, &AtomicUsize::new(usize::MAX), &counted)).await.is_none()
    });
    let reader = tokio::spawn(async move {
        let (mut heard, mut piece) = (Vec::new(), [0; 1024]);
        while let Ok(n) = reading.read(&mut piece).await {
            heard.extend_from_slice(&piece[..n]);
            if n == 0 || contains(&heard[heard.len().saturating_sub(n + 16)..], &close_frame(1012, "restart")) {
                break;
            }
        }
        closed.cancel();
        heard
    });
    let busy = async || (sent.load(Ordering::Relaxed) > 1000).then_some(());
    fluent_backend::testing::eventually("the client is busy", busy).await;
    let stopping = tokio::spawn(server.drain());
    let heard = soon("the end", reader).await.unwrap();
    assert!(contains(&heard, b"going_away") && contains(&heard, &close_frame(1012, "restart")), "{}", heard.len());
    assert!(soon("the writer ends", writer).await.unwrap(), "cut off before it was told");
    stopping.await.unwrap();
}

/// The end of what a client sends is not the end of the client.
#[tokio::test]
async fn a_client_that_has_said_all_is_answered() {
    let server = TestServer::start().await;
    for addr in [server.addr(), server.admin().addr()] {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2);
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let answers = String::from_utf8(rest(&mut stream).await).unwrap();
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    }
    // One that takes its time: a hash.
    let body = json!({"username": "nobody", "password": "whatever it is"}).to_string();
    let length = body.len();
    let head = "POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json";
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = String::from_utf8(rest(&mut stream).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    server.stop().await;
}

/// Codes that may be sent come back as they are (RFC 6455 §7.4, and what IANA has registered since), others as 1002.
#[tokio::test]
async fn a_close_comes_back_with_its_code() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    let answer_to = async |code: u16, reason: &str| {
        let mut stream = alice.connect().await.into_stream();
        let length = 0x80 | u8::try_from(reason.len() + 2).unwrap();
        let close = [&[0x88, length, 0, 0, 0, 0], code.to_be_bytes().as_slice(), reason.as_bytes()].concat();
        // A frame before it, and in two pieces.
        stream.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await.unwrap();
        let (first, second) = close.split_at(7);
        stream.write_all(first).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        stream.write_all(second).await.unwrap();
        rest(&mut stream).await
    };
    for code in [1000, 1001, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        assert_eq!(answer_to(code, "").await, close_frame(code, ""), "{code}");
    }
    assert_eq!(answer_to(1014, "bad gateway").await, close_frame(1014, "bad gateway"));
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] {
        assert_eq!(answer_to(code, "").await[..4], [0x88, 20, 3, 0xea], "{code}");
    }
    server.stop().await;
}
