//! A response that is sent before the request's body was read also reaches a client that writes everything before it
//! reads, as a proxy does: a connection closed with unread input is reset, and the proxy makes a 502 of it.

use fluent_backend::testing::TestServer;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::nginx::Nginx;
use crate::support::raw::{RawAnswer, read_answer, read_to_end, request, write_then_read};

const ROUNDS: usize = 30;
const JSON: &str = "Content-Type: application/json";
const HOST: &str = "Host: chat.example";

/// A send of 60,000 bytes.
fn long_body() -> Vec<u8> {
    json!({"client_id": "m", "receiver_encrypted": "r".repeat(59_900)}).to_string().into_bytes()
}

async fn always(server: &TestServer, status: u16, request: &[u8]) {
    for round in 0..ROUNDS {
        let answer = write_then_read(server.addr(), request).await;
        let answer = answer.unwrap_or_else(|error| panic!("{status}, round {round}: {error}"));
        assert_eq!(answer.status(), status, "round {round}: {}", answer.text());
    }
}

#[tokio::test]
async fn an_early_answer_reaches_who_writes_everything_first() {
    let server = TestServer::start().await;
    let alice = server.http().with_authorization("Bearer expired");
    assert_eq!(alice.get("/chat/chat_list").await.status, 401);
    let body = long_body();
    let expired = ["Host: x", JSON, "Authorization: Bearer expired"];
    for line in ["POST /chat/messages", "POST /chat/receipts", "PUT /users/me/settings", "POST /auth/logout"] {
        always(&server, 401, &request(line, &expired, &body)).await;
    }
    for (status, line) in [(404, "POST /nothing"), (405, "POST /chat/chat_list"), (405, "PUT /chat/messages")] {
        always(&server, status, &request(line, &[HOST, JSON], &body)).await;
    }
    always(&server, 413, &request("POST /auth/refresh", &[HOST, JSON], &vec![b' '; 300_000])).await;
    server.stop().await;
}

#[tokio::test]
async fn a_refusal_of_the_head_or_of_the_kind_of_body_reaches_them_too() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    let token = format!("Authorization: Bearer {}", alice.tokens.access_token);
    let body = long_body();
    always(&server, 400, &request("POST /chat/messages", &[JSON], &body)).await;
    always(&server, 415, &request("POST /chat/messages", &[HOST, "Content-Type: text/plain", &token], &body)).await;
    always(&server, 415, &request("POST /chat/messages", &[HOST, JSON, "Content-Encoding: gzip", &token], &body)).await;
    server.stop().await;
}

#[tokio::test]
async fn an_early_answer_to_a_chunked_body_arrives() {
    let server = TestServer::start().await;
    let mut request = b"POST /chat/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\
        Authorization: Bearer expired\r\n\r\n"
        .to_vec();
    for _ in 0..20 {
        request.extend_from_slice(format!("bb8\r\n{}\r\n", "x".repeat(3000)).as_bytes());
    }
    request.extend_from_slice(b"0\r\n\r\n");
    always(&server, 401, &request).await;
    server.stop().await;
}

#[tokio::test]
async fn the_connection_is_of_use_after_an_early_answer() {
    let server = TestServer::start().await;
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    for _ in 0..3 {
        let refused = "POST /chat/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n";
        stream.write_all(refused.as_bytes()).await.unwrap();
        // The answer does not wait for the body.
        assert_eq!(read_answer(&mut stream).await.status(), 401);
        stream.write_all(&vec![b'x'; 60_000]).await.unwrap();
        stream.write_all(b"GET /root HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        assert_eq!(read_answer(&mut stream).await.status(), 200);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_comes_after_a_deadline_does_not_reset_the_connection() {
    let server = TestServer::start_with(|config| config.server.request_timeout_s = 1).await;
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let head = "POST /auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 30000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_answer(&mut stream).await;
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("1")));
    for _ in 0..30 {
        stream.write_all(&[b'x'; 1000]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(read_to_end(&mut stream).await.unwrap().text(), "");
    server.stop().await;
}

/// A body that is not wanted is not asked for, and no reset comes when it is sent all the same.
#[tokio::test]
async fn who_asks_before_sending_is_answered_and_not_invited() {
    let server = TestServer::start().await;
    let expecting = |line: &str, more: &str, length: usize| {
        format!("{line} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n{more}\r\n")
    };
    for (status, head) in [
        (401, expecting("POST /chat/messages", "Authorization: Bearer expired\r\n", 60_000)),
        (404, expecting("POST /nothing", "", 60_000)),
        (413, expecting("POST /auth/refresh", "", 60_000)),
        (413, expecting("POST /auth/login", "", 300_000)),
        (415, expecting("POST /auth/login", "Content-Type: text/plain\r\n", 60_000)),
    ] {
        let mut stream = TcpStream::connect(server.addr()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = read_answer(&mut stream).await;
        assert_eq!((answer.status(), answer.header("connection")), (status, Some("close")), "{head}");
        for _ in 0..15 {
            stream.write_all(&[b'x'; 4000]).await.unwrap();
            tokio::task::yield_now().await;
        }
        stream.shutdown().await.unwrap();
        assert_eq!(read_to_end(&mut stream).await.unwrap().text(), "", "{head}");
    }
    // One that is wanted is.
    let (alice, body) = (server.sign_up("alice").await, br#"{"presence":false}"#);
    let token = format!("Authorization: Bearer {}\r\n", alice.tokens.access_token);
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(expecting("PUT /users/me/settings", &token, body.len()).as_bytes()).await.unwrap();
    assert_eq!(read_answer(&mut stream).await.text(), "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body).await.unwrap();
    assert_eq!(read_answer(&mut stream).await.status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn a_refused_body_is_not_read_for_ever() {
    let server = TestServer::start().await;
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let head = "POST /chat/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_answer(&mut stream).await;
    assert_eq!((answer.status(), answer.header("connection")), (401, Some("close")));
    let (piece, mut written) = (vec![b'x'; 65_536], 0);
    while written < 1_000_000_000 && stream.write_all(&piece).await.is_ok() {
        written += piece.len();
    }
    // What the kernel holds on the way is a few mebibytes.
    assert!(written < 32 << 20, "{written} bytes were taken");
    server.stop().await;
}

/// The expired token of an app behind the proxy of the documentation: only a 401 makes it refresh.
#[tokio::test]
async fn nginx_passes_every_early_answer_on() {
    let server = TestServer::start().await;
    let Some(nginx) = Nginx::start(server.addr()).await else { return };
    let expired = request("POST /chat/messages", &[HOST, JSON, "Authorization: Bearer expired"], &long_body());
    let too_large = request("POST /auth/refresh", &[HOST, JSON], &vec![b' '; 900_000]);
    let nothing = request("POST /nothing", &[HOST, JSON], &long_body());
    for (status, request) in [(401, expired), (413, too_large), (404, nothing)] {
        let mut answers: Vec<RawAnswer> = Vec::new();
        for _ in 0..ROUNDS {
            answers.push(write_then_read(nginx.http().addr(), &request).await.unwrap());
        }
        let answers: Vec<u16> = answers.iter().map(RawAnswer::status).collect();
        assert_eq!(answers, [status; ROUNDS], "{}", nginx.logs());
    }
    server.stop().await;
}
