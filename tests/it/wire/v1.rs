//! The dialect `fluent.v1`, frame by frame.

use fluent_backend::clock::Clock;
use fluent_backend::testing::{TestServer, eventually};
use serde_json::{Value, json};

use super::person::Person;
use super::recording::{Peer, Recording};
use crate::support::config::fast_janitor;
use crate::support::v1::{merged, stopped_clock};

fn configure(config: &mut fluent_backend::Config) {
    fast_janitor(config);
    config.socket.max_ciphertext_bytes = 1_000;
    config.messages.retention_days = 30;
    config.messages.retention_every_s = 0;
    config.auth.refresh_token_s = 90 * 24 * 3_600;
    config.server.drain_window_s = 1;
}

fn send_frame(to: i64, client_id: &str) -> Value {
    json!({"type": "send", "ref": format!("ref-{client_id}"), "client_id": client_id, "to": to,
        "receiver_encrypted": format!("r:{client_id}"), "sender_encrypted": format!("s:{client_id}"),
        "message_type": "text"})
}

/// The recording, the clock of its server, and two users with a live socket each.
struct Stage {
    recording: Recording,
    clock: Clock,
    alice: Person,
    bob: Person,
    a: Peer,
    b: Peer,
}

impl Stage {
    /// Alice sends a frame and receives its answer.
    async fn ask(&mut self, frame: &Value) -> Value {
        self.recording.ask(&mut self.a, &frame.to_string()).await
    }

    /// Alice sends a message to Bob, who receives it; returns its `stored`.
    async fn send(&mut self, frame: &Value) -> Value {
        let stored = self.ask(frame).await;
        self.recording.receive(&mut self.b).await;
        stored
    }
}

#[tokio::test]
async fn a_session_of_fluent_v1_is_byte_by_byte_the_recorded_one() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), configure).await;
    let mut recording = Recording::of(&server, "v1", &[]);
    let (alice, bob) = opening(&mut recording).await;
    recording.part("Two devices that are live");
    let (a, _) = alice.live(&mut recording, "pixel").await;
    let (b, _) = bob.live(&mut recording, "pad").await;
    let mut stage = Stage { recording, clock, alice, bob, a, b };
    sending(&mut stage).await;
    wrong_frames(&mut stage).await;
    receipts(&mut stage).await;
    typing_and_presence(&mut stage).await;
    deleting(&mut stage).await;
    blocking(&mut stage).await;
    replay(&mut stage).await;
    let Stage { mut recording, clock, mut alice, mut bob, a, b } = stage;
    recording.part("Another socket of the same device; a login that ends");
    let (again, _) = alice.live(&mut recording, "pixel").await;
    recording.receive_close(a).await;
    alice.request(&mut recording, "POST /auth/logout", &Value::Null).await;
    recording.receive_close(again).await;
    recording.close(b).await;

    recording.part("Retention");
    clock.advance_secs(31 * 24 * 3_600);
    alice.log_in(&mut recording).await;
    bob.log_in(&mut recording).await;
    let http = server.http().with_authorization(format!("Bearer {}", alice.access));
    let head: Value = http.get("/chat/sync").await.ok().json();
    let (epoch, _) = head["cursor"].as_str().unwrap().split_once(':').unwrap();
    // Not recorded: the head moves when retention comes by.
    let from_start = format!("/chat/sync?since={epoch}:0");
    let is_over = async || http.get(&from_start).await.text().contains("deleted_before").then_some(());
    eventually("retention", is_over).await;
    let (mut a, _) = alice.live(&mut recording, &format!("pixel&since={epoch}:0")).await;

    recording.part("The server stops");
    let stopping = tokio::spawn(server.drain());
    recording.receive(&mut a).await;
    recording.receive_close(a).await;
    stopping.await.unwrap();
    recording.finish();
}

async fn opening(recording: &mut Recording) -> (Person, Person) {
    let alice = Person::sign_up(recording, "alice", "QWxpY2U=").await;
    let bob = Person::sign_up(recording, "bob", "Qm9i").await;
    let v1 = || "Sec-WebSocket-Protocol: fluent.v1".to_owned();

    recording.part("A ticket opens one socket");
    let ticket = alice.request(recording, "POST /auth/ws_ticket", &json!({})).await;
    let path = format!("/chat/ws?ticket={}", ticket["ticket"].as_str().unwrap());
    let mut socket = recording.open("alice/unnamed", &path, &[v1()]).await;
    recording.receive_until(&mut socket, "live").await;
    recording.close(socket).await;
    assert!(recording.try_open("alice", &path, &[v1()]).await.is_none());

    recording.part("The token among the subprotocols");
    let protocols = format!("Sec-WebSocket-Protocol: fluent.v1, bearer.{}", alice.access);
    let mut socket = recording.open("alice/browser", "/chat/ws?device_id=browser&mode=background", &[protocols]).await;
    recording.receive_until(&mut socket, "live").await;
    recording.close(socket).await;

    recording.part("Handshakes that are refused");
    for query in ["device_id=a.b", "mode=foreground", "since=", "device_id=a&device_id=b"] {
        let path = format!("/chat/ws?{query}");
        assert!(recording.try_open("alice", &path, &[alice.authorization(), v1()]).await.is_none());
    }
    let unknown = "Sec-WebSocket-Protocol: fluent.v9".to_owned();
    assert!(recording.try_open("alice", "/chat/ws", &[alice.authorization(), unknown]).await.is_none());
    assert!(recording.try_open("alice", "/chat/ws", &[v1()]).await.is_none());
    (alice, bob)
}

async fn sending(stage: &mut Stage) {
    stage.recording.part("Sending, sending again, and sending something else under the same name");
    let to = stage.bob.id;
    let first = stage.send(&send_frame(to, "first")).await;
    stage.ask(&send_frame(to, "first")).await;
    stage.ask(&merged(&send_frame(to, "first"), json!({"receiver_encrypted": "other"}))).await;
    stage.clock.advance_secs(1);
    let key = "receiver_key_id";
    stage.ask(&merged(&send_frame(to, "old-key"), json!({key: "0011223344556677"}))).await;
    stage
        .send(&merged(&send_frame(to, "reply"), json!({"ref": 7, "reply_to": first["id"], "message_type": "x.y-z"})))
        .await;
    stage.ask(&send_frame(stage.alice.id, "to-myself")).await;

    stage.recording.part("The other side, and a second device of one's own");
    let (mut second, _) = stage.alice.live(&mut stage.recording, "tablet").await;
    let frame = send_frame(stage.alice.id, "back");
    stage.recording.ask(&mut stage.b, &frame.to_string()).await;
    stage.recording.receive(&mut stage.a).await;
    stage.recording.receive(&mut second).await;
    stage.send(&send_frame(to, "from-pixel")).await;
    stage.recording.receive(&mut second).await;
    stage.recording.close(second).await;
}

async fn wrong_frames(stage: &mut Stage) {
    stage.recording.part("Wrong frames");
    let to = stage.bob.id;
    for text in ["no JSON", "[]", "{}", r#"{"type":"unheard-of","ref":"x"}"#, r#"{"type":"ping","ref":[]}"#] {
        stage.recording.ask(&mut stage.a, text).await;
    }
    stage.recording.send_binary(&mut stage.a, b"\x00").await;
    stage.recording.receive(&mut stage.a).await;
    for change in [
        json!({"client_id": "a b"}),
        json!({"to": "2"}),
        json!({"to": 4_711}),
        json!({"receiver_encrypted": ""}),
        json!({"receiver_encrypted": "x".repeat(1_001)}),
        json!({"message_type": "Text"}),
        json!({"receiver_key_id": "short"}),
        json!({"reply_to": 4_711}),
        json!({"expires_in_s": 0}),
        json!({"attachment_ids": [1]}),
    ] {
        stage.ask(&merged(&send_frame(to, "wrong"), change)).await;
    }
    for frame in [
        json!({"type": "delivered", "up_to_seq": -1}),
        json!({"type": "read", "partner_id": 4_711, "up_to_id": 1}),
        json!({"type": "delete", "id": 4_711, "for": "me"}),
        json!({"type": "delete", "id": 1, "for": "nobody"}),
        json!({"type": "typing", "to": to}),
        json!({"type": "presence", "watch": to}),
    ] {
        stage.ask(&frame).await;
    }
    stage.ask(&json!({"type": "ping"})).await;
    stage.ask(&json!({"type": "ping", "ref": 42, "unknown": true})).await;
}

async fn receipts(stage: &mut Stage) {
    stage.recording.part("Receipts");
    let stored = stage.send(&send_frame(stage.bob.id, "to-be-read")).await;
    let delivered = json!({"type": "delivered", "up_to_seq": stored["seq"]});
    stage.recording.send(&mut stage.b, &delivered.to_string()).await;
    stage.recording.receive(&mut stage.a).await;
    stage.clock.advance_secs(1);
    let read = json!({"type": "read", "ref": "r1", "partner_id": stage.alice.id, "up_to_id": stored["id"]});
    for is_new in [true, false] {
        stage.recording.ask(&mut stage.b, &read.to_string()).await;
        if is_new {
            stage.recording.receive(&mut stage.a).await;
        }
    }
}

async fn typing_and_presence(stage: &mut Stage) {
    stage.recording.part("Typing and presence");
    let (alice, bob) = (stage.alice.id, stage.bob.id);
    for active in [true, false] {
        let typing = json!({"type": "typing", "to": bob, "active": active});
        stage.recording.send(&mut stage.a, &typing.to_string()).await;
        stage.recording.receive(&mut stage.b).await;
    }
    stage.ask(&json!({"type": "presence", "watch": [bob]})).await;
    let watch = json!({"type": "presence", "watch": [alice]});
    stage.recording.ask(&mut stage.b, &watch.to_string()).await;
    for shown in [false, true] {
        stage.bob.request(&mut stage.recording, "PUT /users/me/settings", &json!({"presence": shown})).await;
        stage.recording.receive(&mut stage.a).await;
        stage.recording.receive(&mut stage.b).await;
    }
    // Presence has an end here: what follows would come among the events in no certain order.
    for (peer, name) in [(&mut stage.a, "a"), (&mut stage.b, "b")] {
        let frame = json!({"type": "presence", "watch": []});
        stage.recording.send(peer, &frame.to_string()).await;
        stage.recording.ask(peer, &json!({"type": "ping", "ref": name}).to_string()).await;
    }
}

async fn deleting(stage: &mut Stage) {
    stage.recording.part("Deletion and expiry");
    let to = stage.bob.id;
    let mine = stage.send(&send_frame(to, "for-me")).await["id"].clone();
    let both = stage.send(&send_frame(to, "for-everyone")).await["id"].clone();
    stage.ask(&json!({"type": "delete", "ref": "d1", "id": mine, "for": "me"})).await;
    stage.ask(&json!({"type": "delete", "ref": "d2", "id": mine, "for": "me"})).await;
    stage.ask(&json!({"type": "delete", "ref": "d3", "id": both, "for": "everyone"})).await;
    stage.recording.receive(&mut stage.b).await;
    let forbidden = json!({"type": "delete", "ref": "d4", "id": mine, "for": "everyone"});
    stage.recording.ask(&mut stage.b, &forbidden.to_string()).await;
    stage.send(&merged(&send_frame(to, "expires"), json!({"expires_in_s": 60}))).await;
    stage.clock.advance_secs(61);
    stage.recording.receive(&mut stage.a).await;
    stage.recording.receive(&mut stage.b).await;
}

async fn blocking(stage: &mut Stage) {
    stage.recording.part("A block and a new key");
    let block = format!("/users/{}/block", stage.alice.id);
    stage.bob.request(&mut stage.recording, &format!("PUT {block}"), &Value::Null).await;
    stage.recording.receive(&mut stage.b).await;
    stage.ask(&send_frame(stage.bob.id, "blocked")).await;
    stage.bob.request(&mut stage.recording, &format!("DELETE {block}"), &Value::Null).await;
    stage.recording.receive(&mut stage.b).await;
    stage.send(&send_frame(stage.bob.id, "unblocked")).await;
    let key = json!({"public_key": "TmV3", "password": Person::PASSWORD});
    stage.bob.request(&mut stage.recording, "PUT /users/me/public_key", &key).await;
    stage.recording.receive(&mut stage.a).await;
    stage.recording.receive(&mut stage.b).await;
}

async fn replay(stage: &mut Stage) {
    stage.recording.part("Replay from the start, from the middle, and cursors that cannot be honoured");
    let sync = stage.alice.get(&mut stage.recording, "/chat/sync").await;
    let (epoch, head) = sync["cursor"].as_str().unwrap().split_once(':').unwrap();
    let middle = head.parse::<i64>().unwrap() / 2;
    for since in [format!("{epoch}:0"), format!("{epoch}:{middle}"), format!("{epoch}:{head}")] {
        let (peer, _) = stage.alice.live(&mut stage.recording, &format!("late&since={since}")).await;
        stage.recording.close(peer).await;
    }
    for since in ["nonsense".to_owned(), "other:1".to_owned(), format!("{epoch}:1000000")] {
        let (peer, _) = stage.alice.live(&mut stage.recording, &format!("lost&since={since}")).await;
        stage.recording.close(peer).await;
    }
    let mut since = format!("{epoch}:0");
    loop {
        let path = format!("/chat/sync?limit=8&since={since}");
        let page = stage.alice.get(&mut stage.recording, &path).await;
        if page["more"] != true {
            break;
        }
        page["cursor"].as_str().unwrap().clone_into(&mut since);
    }
    stage.alice.get(&mut stage.recording, "/chat/sync?since=nonsense").await;
}
