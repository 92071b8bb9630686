//! The socket: handshake, errors that the app survives, limits, many sockets, slow readers, drain.

use std::time::Duration;

use fluent_backend::clock::Clock;
use fluent_backend::testing::{MessageFrame, TestServer, TestSocket};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio_tungstenite::tungstenite::{Error, Message};

fn refused(result: Result<TestSocket, Box<Error>>) -> StatusCode {
    match *result.expect_err("the handshake is refused") {
        Error::Http(response) => response.status(),
        other => panic!("not an answer: {other}"),
    }
}

#[tokio::test]
async fn either_credential_opens_the_socket_and_they_must_agree() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (a, b) = (alice.tokens.access_token.as_str(), bob.tokens.access_token.as_str());
    let open = async |query: Option<&str>, header: Option<&str>| {
        let path = query.map_or("/chat/ws".to_owned(), |token| format!("/chat/ws?token={token}"));
        TestSocket::open(server.addr(), &path, header).await
    };
    for (query, header) in
        [(Some(a), None), (None, Some(a)), (Some(a), Some(a)), (Some("old"), Some(a)), (Some(a), Some("x"))]
    {
        open(query, header).await.unwrap().close().await;
    }
    let doubled = format!("{a},Bearer {a}");
    open(Some("old"), Some(&doubled)).await.unwrap().close().await;
    let different = format!("{a},Bearer {b}");
    for (query, header) in [
        (None, None),
        (Some(""), None),
        (Some("x"), Some("y")),
        (Some(a), Some(b)),
        (None, Some(different.as_str())),
        (Some(alice.tokens.refresh_token.as_str()), None),
    ] {
        assert_eq!(refused(open(query, header).await), StatusCode::UNAUTHORIZED, "{query:?} {header:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_token_in_the_query_can_be_switched_off() {
    let server = TestServer::start_with(|config| config.auth.token_in_query = false).await;
    let alice = server.sign_up("alice").await;
    let path = format!("/chat/ws?token={}", alice.tokens.access_token);
    assert_eq!(refused(TestSocket::open(server.addr(), &path, None).await), StatusCode::UNAUTHORIZED);
    TestSocket::open(server.addr(), "/chat/ws", Some(&alice.tokens.access_token)).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn errors_leave_the_socket_open_and_nothing_stored() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let mut socket = alice.connect().await;
    let good = json!({"receiverID": bob.id, "receiver_encrypted": "r", "sender_encrypted": "s", "messageType": "text"});
    let frame_with = |key: &str, value: Value| {
        let mut frame = good.clone();
        frame[key] = value;
        frame.to_string()
    };
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (frame, code) in [
        ("not json".to_owned(), "bad_json"),
        ("{}".to_owned(), "bad_frame"),
        (deep, "bad_frame"),
        (frame_with("receiverID", json!("2")), "bad_frame"),
        (frame_with("receiverID", json!(4711)), "unknown_user"),
        (frame_with("receiverID", json!(0)), "unknown_user"),
        (frame_with("receiverID", json!(-1)), "unknown_user"),
        (frame_with("receiverID", json!(1_i64 << 40)), "unknown_user"),
        (frame_with("sender_encrypted", json!(null)), "bad_frame"),
        (frame_with("sender_encrypted", json!("")), "bad_frame"),
        (frame_with("receiver_encrypted", json!("x".repeat(98_305))), "too_large"),
        (frame_with("messageType", json!("image")), "bad_frame"),
    ] {
        socket.send_text(&frame).await;
        let error = socket.next_error().await;
        assert_eq!(error["code"], code, "{error}");
        assert_eq!(error["retryable"], false);
        for key in ["sender_id", "receiver_id", "content", "message_type", "timestamp"] {
            assert!(error.get(key).is_none(), "the app would take it for a message");
        }
    }
    socket.send(Message::binary(b"\x00\xff".to_vec())).await.unwrap();
    assert_eq!(socket.next_error().await["code"], "bad_frame");
    assert!(alice.history(bob.id).await.is_empty());

    // Still alive, up to the last byte of the limit, and with any character.
    let largest = "x".repeat(98_304);
    socket.send_message(bob.id, &largest, "nul \u{0} and \u{1f512}").await;
    assert_eq!(socket.next_message().await.content, "nul \u{0} and \u{1f512}");
    assert_eq!(bob.history(alice.id).await[0].content, largest);
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_sends_only_rubbish_is_closed_with_1008() {
    let server = TestServer::start().await;
    let mut socket = server.sign_up("alice").await.connect().await;
    for _ in 0..61 {
        socket.send_text("rubbish").await;
    }
    assert_eq!(socket.close_code().await, 1008);
    server.stop().await;
}

#[tokio::test]
async fn one_more_socket_than_allowed_closes_the_oldest() {
    let server = TestServer::start_with(|config| config.socket.max_per_user = 3).await;
    let alice = server.sign_up("alice").await;
    let mut sockets = Vec::new();
    for _ in 0..4 {
        sockets.push(alice.connect().await);
    }
    assert_eq!(sockets.remove(0).close_code().await, 4002);
    sockets[0].send_message(alice.id, "r", "s").await;
    for socket in &mut sockets {
        assert_eq!(socket.next_message().await.content, "s");
    }
    server.stop().await;
}

#[tokio::test]
async fn silence_after_a_ping_is_closed_and_an_answer_is_not() {
    let server = TestServer::start_with(|config| {
        config.socket.ping_s = 1;
        config.socket.pong_timeout_s = 1;
    })
    .await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let mut silent = alice.connect().await.into_stream();
    let mut answering = bob.connect().await;
    let answered = tokio::time::timeout(Duration::from_secs(4), answering.next()).await;
    assert!(answered.is_err(), "the socket that answers stays open: {answered:?}");
    let mut received = Vec::new();
    fluent_backend::testing::soon("the close", silent.read_to_end(&mut received)).await.unwrap();
    let close = received.iter().position(|&byte| byte == 0x88).expect("a close frame");
    assert!(received[..close].starts_with(&[0x89, 0]), "a ping came first: {received:?}");
    assert_eq!(u16::from_be_bytes([received[close + 2], received[close + 3]]), 1001);
    server.stop().await;
}

/// A reader that stops reading is closed, and what others send it does not pile up.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_closed_with_1013_and_delays_nobody() {
    let server = TestServer::start_alone(|_| {}).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (mut a, mut stuck, mut b) = (alice.connect().await, bob.connect().await, bob.connect().await);
    // More than the kernel's buffers and the queue can hold.
    let big = "x".repeat(90_000);
    let mut sent = 0;
    while server.open_sockets() == 3 {
        for _ in 0..5 {
            a.send_message(bob.id, &big, "s").await;
            sent += 1;
        }
        for _ in 0..5 {
            assert_eq!(a.next_message().await.content, "s");
            assert_eq!(b.next_message().await.content, big);
        }
        assert!(sent < 5000, "the stuck reader is never closed");
    }
    let code = stuck.close_code().await;
    assert!(code == 1013 || code == 1006, "{code}");
    assert_eq!(bob.history(alice.id).await.len(), sent, "the store has everything");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_answers_what_was_read_and_closes_with_1012() {
    Box::pin(drain_with(40, 1)).await;
}

/// Large messages wait for room when the drain begins.
#[tokio::test(flavor = "multi_thread")]
async fn a_drain_answers_large_messages_too() {
    Box::pin(drain_with(10, 90_000)).await;
}

async fn drain_with(messages: usize, bytes: usize) {
    let server = TestServer::start().await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (mut a, mut b) = (alice.connect().await, bob.connect().await);
    let filler = "x".repeat(bytes);
    for i in 0..messages {
        a.send_message(bob.id, &filler, &format!("{i} {filler}")).await;
    }
    assert!(a.next_message().await.content.starts_with("0 "));
    let stopping = tokio::spawn(server.stop_keeping_data());
    let mut echoed = 1;
    let code = loop {
        match a.next().await {
            Some(Ok(Message::Text(_))) => echoed += 1,
            Some(Ok(Message::Close(frame))) => break frame.map_or(1005, |frame| frame.code.into()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, 1012);
    assert_eq!(b.close_code().await, 1012);
    let data = stopping.await.unwrap();

    let server = TestServer::start_on(data, Clock::system(), |_| {}).await;
    let alice = fluent_backend::testing::TestClient::log_in(server.http(), "alice", alice.id).await;
    assert_eq!(alice.history(bob.id).await.len(), echoed, "stored is echoed and echoed is stored");
    server.stop().await;
}

/// What is sent in the moment of a handshake is in the history loaded right after it, or it comes by the socket.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_sent_as_the_receiver_connects_is_not_missed() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let mut a = alice.connect().await;
    let mut by_socket = 0;
    for i in 0..100 {
        let text = i.to_string();
        let opening = async {
            let socket = bob.connect().await;
            let path = format!("/chat/all_messages?partnerID={}&limit=1", alice.id);
            let newest: Vec<MessageFrame> = bob.http.get(&path).await.ok().json();
            (socket, newest)
        };
        let ((mut b, newest), ()) = tokio::join!(opening, a.send_message(bob.id, &text, "s"));
        a.next_message().await;
        a.send_message(bob.id, "after", "s").await;
        a.next_message().await;
        let mut first = b.next_message().await.content;
        if newest.first().is_none_or(|newest| newest.content != text) {
            assert_eq!(first, text, "neither in the history nor by the socket");
            by_socket += 1;
        }
        if first == text {
            first = b.next_message().await.content;
        }
        assert_eq!(first, "after");
        b.close().await;
    }
    println!("{by_socket} of 100 came by the socket alone");
    server.stop().await;
}

/// Large messages in a burst: a client that reads is not closed, neither the sender nor the receiver.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_large_messages_closes_nobody_who_reads() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let mut receiver = bob.connect().await;
    let large = "x".repeat(90_000);
    let burst = async |number: usize| {
        let mut socket = alice.connect().await;
        for i in 0..32 {
            socket.send_message(bob.id, &large, &format!("{number}-{i}{large}")).await;
        }
        let mut own = 0;
        while own < 32 {
            own += usize::from(socket.next_message().await.content.starts_with(&format!("{number}-")));
        }
    };
    let reading = async {
        for _ in 0..64 {
            assert_eq!(receiver.next_message().await.content.len(), large.len());
        }
    };
    tokio::join!(burst(1), burst(2), reading);
    server.stop().await;
}

#[tokio::test]
async fn receivers_made_up_without_end_close_the_socket() {
    let server = TestServer::start().await;
    let mut socket = server.sign_up("alice").await.connect().await;
    for i in 0..61 {
        socket.send_message(4711 + i, "r", "s").await;
    }
    assert_eq!(socket.close_code().await, 1008);
    server.stop().await;
}
