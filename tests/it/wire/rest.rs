//! REST beyond what the old app uses.

use fluent_backend::testing::TestServer;
use serde_json::{Value, json};

use super::person::{Person, json_body};
use super::recording::Recording;
use crate::support::v1::{merged, stopped_clock};

#[tokio::test]
async fn a_session_of_rest_is_byte_by_byte_the_recorded_one() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let mut recording = Recording::of(&server, "rest", &["Accept: application/json"]);
    let mut alice = Person::sign_up(&mut recording, "alice", "QWxpY2U=").await;
    let bob = Person::sign_up(&mut recording, "bob", "Qm9i").await;
    messages(&mut recording, &alice, &bob).await;
    clock.advance_secs(1);
    lists(&mut recording, &alice, &bob).await;
    deletions(&mut recording, &alice, &bob).await;
    users(&mut recording, &alice, &bob).await;
    clock.advance_secs(1);
    logins(&mut recording, &mut alice).await;
    recording.part("An account is deleted");
    for password in ["wrong horse battery staple", Person::PASSWORD] {
        bob.request(&mut recording, "DELETE /users/me", &json!({"password": password})).await;
    }
    bob.get(&mut recording, "/users/me").await;
    alice.get(&mut recording, &format!("/chat/partnerinfo?partnerID={}", bob.id)).await;
    alice.get(&mut recording, "/chat/conversations").await;
    recording.finish();
    server.stop().await;
}

fn send_frame(to: i64, client_id: &str) -> Value {
    let copies = json!({"receiver_encrypted": "r", "sender_encrypted": "s", "message_type": "text"});
    merged(&copies, json!({"client_id": client_id, "to": to}))
}

async fn messages(recording: &mut Recording, alice: &Person, bob: &Person) {
    recording.part("Messages and receipts");
    let send = "POST /chat/messages";
    alice.request(recording, send, &send_frame(bob.id, "first")).await;
    alice.request(recording, send, &send_frame(bob.id, "first")).await;
    alice.request(recording, send, &send_frame(alice.id, "first")).await;
    alice.request(recording, send, &send_frame(4_711, "unknown")).await;
    alice.request(recording, send, &json!({"to": bob.id})).await;
    let mut nameless = send_frame(alice.id, "");
    nameless.as_object_mut().unwrap().remove("client_id");
    let mut headers = json_body();
    headers.extend([bob.authorization(), "Idempotency-Key: \"from-the-header\"".to_owned()]);
    let last = recording.request(send, &headers, &nameless.to_string()).await;
    let read = json!({"read": [{"partner_id": bob.id, "up_to_id": last["id"]}]});
    alice.request(recording, "POST /chat/receipts", &read).await;
    let delivered = json!({"delivered": {"up_to_seq": last["seq"]}});
    bob.request(recording, "POST /chat/receipts", &delivered).await;
    alice.request(recording, "POST /chat/receipts", &json!({"read": 7})).await;
}

async fn lists(recording: &mut Recording, alice: &Person, bob: &Person) {
    recording.part("Lists");
    let sync = alice.get(recording, "/chat/sync").await;
    let (epoch, _) = sync["cursor"].as_str().unwrap().split_once(':').unwrap();
    for query in [format!("?since={epoch}:0"), "?since=".to_owned(), "?since=lost&limit=5".to_owned()] {
        bob.get(recording, &format!("/chat/sync{query}")).await;
    }
    alice.get(recording, "/chat/conversations").await;
    bob.get(recording, "/chat/conversations?limit=1&before=1000000").await;
    bob.get(recording, "/chat/conversations?before=x").await;
    alice.get(recording, &format!("/chat/all_messages?partnerID={}&before_id=2", bob.id)).await;
    alice.get(recording, &format!("/chat/all_messages?partnerID={}&before_id=2&before=2026-01-01", bob.id)).await;
}

async fn deletions(recording: &mut Recording, alice: &Person, bob: &Person) {
    recording.part("Deletion");
    let history = alice.get(recording, &format!("/chat/all_messages?partnerID={}", bob.id)).await;
    let ids: Vec<i64> = history.as_array().unwrap().iter().map(|message| message["id"].as_i64().unwrap()).collect();
    for (id, whose) in [(ids[0], "me"), (ids[0], "me"), (ids[0], "everyone"), (4_711, "me"), (ids[1], "nobody")] {
        alice.request(recording, &format!("DELETE /chat/messages/{id}?for={whose}"), &Value::Null).await;
    }
    alice.request(recording, "DELETE /chat/messages/x?for=me", &Value::Null).await;
}

async fn users(recording: &mut Recording, alice: &Person, bob: &Person) {
    recording.part("Users, settings, keys and blocks");
    for path in ["/users/me", "/users?ids=2,1,4711", "/users?ids=", "/users?ids=x", "/users/search?query=b&limit=1"] {
        alice.get(recording, path).await;
    }
    for settings in [json!({"read_receipts": false}), json!({}), json!({"presence": "no"})] {
        alice.request(recording, "PUT /users/me/settings", &settings).await;
    }
    for key in [json!({"public_key": "TmV3"}), json!({"public_key": "no base64!"}), json!({})] {
        alice.request(recording, "PUT /users/me/public_key", &key).await;
    }
    for id in [bob.id.to_string(), "4711".to_owned(), alice.id.to_string(), "x".to_owned()] {
        alice.request(recording, &format!("PUT /users/{id}/block"), &Value::Null).await;
    }
    alice.get(recording, "/users/blocked").await;
    bob.request(recording, "POST /chat/messages", &send_frame(alice.id, "blocked")).await;
    alice.request(recording, &format!("DELETE /users/{}/block", bob.id), &Value::Null).await;
}

async fn logins(recording: &mut Recording, alice: &mut Person) {
    recording.part("Logins and the password");
    let first = alice.access.clone();
    alice.log_in(recording).await;
    let logins = alice.get(recording, "/auth/sessions").await;
    let id = logins[0]["id"].as_i64().unwrap();
    for id in [id.to_string(), id.to_string(), "x".to_owned()] {
        alice.request(recording, &format!("DELETE /auth/sessions/{id}"), &Value::Null).await;
    }
    recording.request("GET /users/me", &[format!("Authorization: Bearer {first}")], "").await;
    for (old, new) in [("wrong horse", "another horse battery"), (Person::PASSWORD, "short")] {
        let passwords = json!({"old_password": old, "new_password": new});
        alice.request(recording, "PUT /auth/password", &passwords).await;
    }
    let passwords = json!({"old_password": Person::PASSWORD, "new_password": "another horse battery"});
    let tokens = alice.request(recording, "PUT /auth/password", &passwords).await;
    alice.get(recording, "/users/me").await;
    alice.take(&tokens);
    alice.request(recording, "POST /auth/logout_all", &Value::Null).await;
    alice.get(recording, "/users/me").await;
    let credentials = json!({"username": alice.name, "password": "another horse battery"});
    let tokens = recording.request("POST /auth/login", &json_body(), &credentials.to_string()).await;
    alice.take(&tokens);
}
