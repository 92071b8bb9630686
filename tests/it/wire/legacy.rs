//! The legacy dialect, as the Android app speaks it.

use fluent_backend::testing::TestServer;
use serde_json::{Value, json};

use super::person::{Person, json_body};
use super::recording::{Peer, Recording};
use crate::support::v1::stopped_clock;

/// What the app's HTTP library sends with each request.
const APP: [&str; 2] = ["Accept-Encoding: gzip", "User-Agent: okhttp/4.12.0"];

fn frame(to: i64, text: &str) -> String {
    json!({"receiverID": to, "receiver_encrypted": format!("r:{text}"), "sender_encrypted": format!("s:{text}"),
        "messageType": "text"})
    .to_string()
}

impl Person {
    /// Opens a socket as the app does: with the token in the query and in the header.
    async fn connect(&self, recording: &mut Recording) -> Peer {
        let path = format!("/chat/ws?token={}", self.access);
        recording.open(self.name, &path, &[self.authorization()]).await
    }
}

#[tokio::test]
async fn the_session_of_the_android_app_is_byte_by_byte_the_recorded_one() {
    let clock = stopped_clock();
    let small = |config: &mut fluent_backend::Config| config.socket.max_ciphertext_bytes = 1_000;
    let server = TestServer::start_at(clock.clone(), small).await;
    let mut recording = Recording::of(&server, "legacy", &APP);
    let (mut alice, bob) = accounts(&mut recording).await;
    people(&mut recording, &alice, &bob).await;
    clock.advance_secs(1);
    let (a, mut b) = messages(&mut recording, &alice, &bob).await;
    clock.advance_secs(1);
    let a = wrong_frames(&mut recording, a, &bob).await;
    recording.receive(&mut b).await;
    recording.close(a).await;
    lists(&mut recording, &alice, &bob).await;
    handshakes(&mut recording, &alice).await;

    recording.part("A block, seen by the app");
    bob.request(&mut recording, &format!("PUT /users/{}/block", alice.id), &Value::Null).await;
    let mut a = alice.connect(&mut recording).await;
    recording.ask(&mut a, &frame(bob.id, "blocked")).await;
    recording.ask(&mut b, &frame(alice.id, "blocked too")).await;

    refresh(&mut recording, &mut alice).await;
    recording.part("A spent refresh token after its grace ends the login and its sockets");
    clock.advance_secs(3_600);
    let stolen = json!({"refresh_token": alice.refresh});
    for _ in 0..2 {
        let spent = json!({"refresh_token": alice.refresh});
        let renewed = recording.request("POST /auth/refresh", &json_body(), &spent.to_string()).await;
        alice.take(&renewed);
    }
    clock.advance_secs(3_600);
    recording.request("POST /auth/refresh", &json_body(), &stolen.to_string()).await;
    recording.receive_close(a).await;
    alice.get(&mut recording, "/chat/chat_list").await;

    recording.part("The server stops");
    let stopping = tokio::spawn(server.drain());
    recording.receive_close(b).await;
    stopping.await.unwrap();
    recording.finish();
}

async fn accounts(recording: &mut Recording) -> (Person, Person) {
    recording.part("Registration and login");
    let alice = Person::sign_up(recording, "alice", "QWxpY2U=").await;
    let bob = Person::sign_up(recording, "Bob", "Qm9i").await;
    let taken = json!({"username": "ALICE", "email": "other@example.org", "password": Person::PASSWORD,
        "public_key": "QUJD"});
    recording.request("POST /auth/register", &json_body(), &taken.to_string()).await;
    let weak = json!({"username": "carol", "email": "carol@example.org", "password": "short", "public_key": "QUJD"});
    recording.request("POST /auth/register", &json_body(), &weak.to_string()).await;
    for (name, password) in [("alice", "wrong horse battery staple"), ("nobody", Person::PASSWORD)] {
        let credentials = json!({"username": name, "password": password});
        recording.request("POST /auth/login", &json_body(), &credentials.to_string()).await;
    }
    (alice, bob)
}

async fn people(recording: &mut Recording, alice: &Person, bob: &Person) {
    recording.part("People");
    alice.get(recording, "/auth/get_all_users").await;
    for query in ["", "BO", "nobody"] {
        alice.get(recording, &format!("/users/search?query={query}")).await;
    }
    for partner in [bob.id, 4_711] {
        alice.get(recording, &format!("/chat/partnerinfo?partnerID={partner}")).await;
    }
    recording.request("GET /chat/chat_list", &[], "").await;
}

async fn messages(recording: &mut Recording, alice: &Person, bob: &Person) -> (Peer, Peer) {
    recording.part("Messages");
    let mut a = alice.connect(recording).await;
    let mut b = bob.connect(recording).await;
    recording.ask(&mut a, &frame(bob.id, "Grüße, Bob! 👋")).await;
    recording.receive(&mut b).await;
    recording.ask(&mut b, &frame(alice.id, "Hallo")).await;
    recording.receive(&mut a).await;
    recording.ask(&mut a, &frame(alice.id, "to myself")).await;
    (a, b)
}

/// What is wrong with a frame comes back as an error, and the socket stays open.
async fn wrong_frames(recording: &mut Recording, mut a: Peer, bob: &Person) -> Peer {
    recording.part("Wrong frames");
    for text in ["", "no JSON", "[]", "7", "{}", r#"{"receiverID":"2"}"#] {
        recording.ask(&mut a, text).await;
    }
    let good: Value = serde_json::from_str(&frame(bob.id, "good")).unwrap();
    for (key, value) in [
        ("receiverID", json!(4_711)),
        ("receiverID", json!(0)),
        ("receiverID", json!(1_i64 << 40)),
        ("receiver_encrypted", json!("")),
        ("sender_encrypted", json!(null)),
        ("receiver_encrypted", json!("x".repeat(1_001))),
        ("messageType", json!("image")),
    ] {
        let mut wrong = good.clone();
        wrong[key] = value;
        recording.ask(&mut a, &wrong.to_string()).await;
    }
    recording.send_binary(&mut a, b"\x00\x01").await;
    recording.receive(&mut a).await;
    let mut more = good;
    more["unknown"] = json!({"key": [1, 2, 3]});
    recording.ask(&mut a, &more.to_string()).await;
    a
}

async fn lists(recording: &mut Recording, alice: &Person, bob: &Person) {
    recording.part("History and the chat list");
    let history = alice.get(recording, &format!("/chat/all_messages?partnerID={}", bob.id)).await;
    bob.get(recording, &format!("/chat/all_messages?partnerID={}&limit=2", alice.id)).await;
    let before = history[0]["timestamp"].as_str().unwrap();
    alice.get(recording, &format!("/chat/all_messages?partnerID={}&limit=1&before={before}", bob.id)).await;
    for query in ["", "?partnerID=4711", "?partnerID=me", "?partnerID=2&limit=0", "?partnerID=2&before=yesterday"] {
        alice.get(recording, &format!("/chat/all_messages{query}")).await;
    }
    alice.get(recording, "/chat/chat_list").await;
    bob.get(recording, "/chat/chat_list").await;
}

async fn handshakes(recording: &mut Recording, alice: &Person) {
    recording.part("Handshakes that are refused");
    let wrong = "Authorization: Bearer wrong".to_owned();
    let refresh = format!("Authorization: Bearer {}", alice.refresh);
    for headers in [vec![], vec![wrong], vec![refresh]] {
        assert!(recording.try_open("alice", "/chat/ws", &headers).await.is_none());
    }
    alice.get(recording, "/chat/ws").await;
}

async fn refresh(recording: &mut Recording, alice: &mut Person) {
    recording.part("Tokens are refreshed; the same token again has the same successor");
    let old = json!({"refresh_token": alice.refresh});
    let tokens = recording.request("POST /auth/refresh", &json_body(), &old.to_string()).await;
    recording.request("POST /auth/refresh", &json_body(), &old.to_string()).await;
    alice.take(&tokens);
    for body in [json!({"refresh_token": "wrong"}), json!({"refresh_token": alice.access}), json!({})] {
        recording.request("POST /auth/refresh", &json_body(), &body.to_string()).await;
    }
}
