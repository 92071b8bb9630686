//! The app's whole flow against the real server, and many users at once.

use std::collections::{HashMap, HashSet};

use fluent_backend::testing::{MessageFrame, TestClient, TestServer};
use futures_util::future::join_all;

use crate::support::phone::Phone;

#[tokio::test(flavor = "multi_thread")]
async fn the_apps_whole_flow() {
    let server = TestServer::start_with(|config| config.auth.strict_public_keys = true).await;
    let (mut alice, mut bob) = (Phone::new(server.http()), Phone::new(server.http()));
    alice.sign_up("Alice.Example+app@Example.org").await;
    bob.sign_up("bob_%25@example.org").await;

    // The first screen lists everybody, then a search finds one, wildcards taken literally.
    assert_eq!(alice.find("").await.len(), 2);
    assert!(alice.find("nobody").await.is_empty());
    let found = alice.find("OB_%2525").await;
    assert_eq!((found.len(), found[0].id), (1, bob.id));
    assert_eq!((&found[0].user_name, &found[0].public_key), (&"bob_%25@example.org".to_owned(), &bob.public_key));

    let partner = alice.partner(bob.id).await;
    assert_eq!((partner.id, &partner.public_key), (bob.id, &bob.public_key));
    assert_eq!(partner.user_name, "bob_%25@example.org");

    let (mut a, mut b, mut b2) = (alice.connect().await, bob.connect().await, bob.connect().await);
    let (for_bob, for_alice) = alice.encrypt_for(&partner, "Grüße, Bob! 👋");
    a.send_message(bob.id, &for_bob, &for_alice).await;
    let echo = a.next_message().await;
    assert_eq!((echo.sender_id, echo.receiver_id), (alice.id, bob.id));
    assert_eq!((&echo.content, echo.message_type.as_str()), (&for_alice, "text"));
    assert_eq!(alice.decrypt(&echo.content), "Grüße, Bob! 👋");
    for socket in [&mut b, &mut b2] {
        let received = socket.next_message().await;
        assert_eq!(received.content, for_bob, "byte-identical");
        assert_eq!(received.timestamp, echo.timestamp);
        assert_eq!(bob.decrypt(&received.content), "Grüße, Bob! 👋");
    }

    // The answer, and a message to oneself.
    let back = bob.partner(alice.id).await;
    let (for_alice, for_bob) = bob.encrypt_for(&back, "Hallo");
    b.send_message(alice.id, &for_alice, &for_bob).await;
    assert_eq!(a.next_message().await.content, for_alice);
    assert_eq!((b.next_message().await.content, b2.next_message().await.content), (for_bob.clone(), for_bob));
    a.send_message(alice.id, "copy for the receiver", "copy for the sender").await;
    let note = a.next_message().await;
    assert_eq!((note.sender_id, note.receiver_id, note.content.as_str()), (alice.id, alice.id, "copy for the sender"));

    // Back later: history newest first, each with the right copy, and the chat list.
    a.close().await;
    let messages = alice.messages(bob.id, "").await;
    let texts: Vec<String> = messages.iter().map(|m| alice.decrypt(&m.content)).collect();
    assert_eq!(texts, ["Hallo", "Grüße, Bob! 👋"]);
    assert_eq!(bob.messages(alice.id, "").await.iter().map(|m| bob.decrypt(&m.content)).collect::<Vec<_>>(), texts);
    assert_eq!(alice.messages(alice.id, "").await, std::slice::from_ref(&note));
    let chats = alice.chats().await;
    assert_eq!(chats.iter().map(|chat| chat.partner.id).collect::<Vec<_>>(), [alice.id, bob.id]);
    assert_eq!((&chats[0].message, &chats[1].message), (&note, &messages[0]));
    assert_eq!(
        (chats[1].partner.user_name.as_str(), &chats[1].partner.public_key),
        ("bob_%25@example.org", &bob.public_key)
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_frames_sent_without_waiting_arrive_in_order_at_both_ends() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (mut a, mut b) = (alice.connect().await, bob.connect().await);
    for i in 0..200 {
        a.send_message(bob.id, &format!("r{i}"), &format!("s{i}")).await;
    }
    for i in 0..200 {
        assert_eq!(a.next_message().await.content, format!("s{i}"));
        assert_eq!(b.next_message().await.content, format!("r{i}"));
    }
    server.stop().await;
}

/// 50 users, each writes to everybody in turn, 40 messages each, all at once: every message exactly once in history and
/// at each live socket, in one order everywhere.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_users_all_to_all() {
    const USERS: usize = 50;
    const MESSAGES: usize = 40;
    let server = TestServer::start().await;
    let users: Vec<TestClient> = join_all((0..USERS).map(|i| {
        let server = &server;
        async move { server.sign_up(&format!("user{i}")).await }
    }))
    .await;
    let ids: Vec<i32> = users.iter().map(|user| user.id).collect();
    // The k-th message of user i goes to the (i + 1 + k)-th user, so that no user writes to themselves.
    let target = |i: usize, k: usize| (i + 1 + k % (USERS - 1)) % USERS;
    let inbound = |j: usize| (0..USERS).map(|i| (0..MESSAGES).filter(|&k| target(i, k) == j).count()).sum::<usize>();

    let seen: Vec<Vec<MessageFrame>> = join_all(users.iter().enumerate().map(|(i, user)| {
        let ids = &ids;
        async move {
            let mut socket = user.connect().await;
            let mut frames = Vec::new();
            for k in 0..MESSAGES {
                socket.send_message(ids[target(i, k)], &format!("{i}/{k}/r"), &format!("{i}/{k}/s")).await;
            }
            while frames.len() < MESSAGES {
                let frame = socket.next_message().await;
                if frame.sender_id == user.id {
                    frames.push(frame);
                }
            }
            frames
        }
    }))
    .await;
    for (i, frames) in seen.iter().enumerate() {
        let contents: Vec<&str> = frames.iter().map(|frame| frame.content.as_str()).collect();
        let expected: Vec<String> = (0..MESSAGES).map(|k| format!("{i}/{k}/s")).collect();
        assert_eq!(contents, expected, "each own message once, in the order sent");
    }

    // Once more with everybody connected before anybody writes.
    let mut sockets = join_all(users.iter().map(TestClient::connect)).await;
    for k in 0..MESSAGES {
        let sends = sockets.iter_mut().enumerate();
        join_all(sends.map(async |(i, socket)| {
            socket.send_message(ids[target(i, k)], &format!("{i}/{k}/R"), &format!("{i}/{k}/S")).await;
        }))
        .await;
    }
    let live: Vec<Vec<MessageFrame>> = join_all(sockets.iter_mut().enumerate().map(async |(i, socket)| {
        let mut frames = Vec::new();
        for _ in 0..MESSAGES + inbound(i) {
            frames.push(socket.next_message().await);
        }
        frames
    }))
    .await;
    for (i, (user, frames)) in users.iter().zip(&live).enumerate() {
        let unique: HashSet<&str> = frames.iter().map(|frame| frame.content.as_str()).collect();
        assert_eq!(unique.len(), frames.len(), "user {i} got one twice");
        assert!(frames.is_sorted_by(|x, y| x.timestamp < y.timestamp), "user {i}: order of time stamps");
        let mut by_partner: HashMap<i32, Vec<&MessageFrame>> = HashMap::new();
        for frame in frames {
            let partner = if frame.sender_id == user.id { frame.receiver_id } else { frame.sender_id };
            by_partner.entry(partner).or_default().push(frame);
        }
        for (partner, mut frames) in by_partner {
            frames.reverse();
            let history = user.history(partner).await;
            let newest: Vec<&MessageFrame> = history.iter().filter(|m| m.content.ends_with(['R', 'S'])).collect();
            assert_eq!(newest, frames, "history of {i} with {partner} in the order of the socket");
            let unique: HashSet<&str> = history.iter().map(|m| m.content.as_str()).collect();
            assert_eq!(unique.len(), history.len());
        }
    }
    server.stop().await;
}
