//! What a stranger tries by routes.

use fluent_backend::testing::TestClient;
use serde_json::{Value, json};

use super::World;

/// A request of somebody who is signed in, and what it must be answered with.
pub(super) struct Row {
    /// As the OpenAPI document names it.
    pub(super) operation: &'static str,
    pub(super) path: String,
    pub(super) body: Value,
    pub(super) status: u16,
    /// The whole answer, where it must be this.
    pub(super) answer: Option<Value>,
}

impl Row {
    fn telling(self, answer: Value) -> Self {
        Self { answer: Some(answer), ..self }
    }

    fn with(self, body: Value) -> Self {
        Self { body, ..self }
    }
}

/// Asks for `path` behind the operation's own path, or for another one that begins with `/`.
fn row(operation: &'static str, path: &str, status: u16) -> Row {
    let (_, own) = operation.split_once(' ').unwrap();
    let path = if path.starts_with('/') { path.to_owned() } else { format!("{own}{path}") };
    Row { operation, path, body: Value::Null, status, answer: None }
}

pub(super) fn rows(world: &World) -> Vec<Row> {
    let mut rows = of_chats(world);
    rows.extend(of_files(world));
    rows.extend(of_accounts(world));
    rows
}

fn of_chats(world: &World) -> Vec<Row> {
    let World { bob, carol, message, conversation, start, .. } = world;
    let (bob, carol) = (bob.id, carol.id);
    let send = json!({
        "client_id": "reply", "to": bob, "receiver_encrypted": "x", "sender_encrypted": "x", "message_type": "text",
        "reply_to": message,
    });
    vec![
        row("GET /chat/all_messages", &format!("?partnerID={bob}"), 200).telling(json!([])),
        row("GET /chat/all_messages", &format!("?partnerID={carol}&before_id={}", message + 100), 200)
            .telling(json!([])),
        row("GET /chat/chat_list", "", 200).telling(json!([])),
        row("GET /chat/conversations", &format!("?user_id={bob}&conversation_id={conversation}"), 200)
            .telling(json!([])),
        row("GET /chat/partnerinfo", &format!("?partnerID={bob}"), 200),
        row("GET /chat/sync", &format!("?since={start}&user_id={bob}"), 200),
        row("POST /chat/messages", "", 404).with(send),
        row("POST /chat/receipts", "", 204)
            .with(json!({"delivered": {"up_to_seq": 1_000_000}, "read": [{"partner_id": bob, "up_to_id": message}]})),
        row("DELETE /chat/messages/{id}", &format!("/chat/messages/{message}?for=me"), 404),
        row("DELETE /chat/messages/{id}", &format!("/chat/messages/{message}?for=everyone"), 404),
        // Nobody can be named but the own devices, which are none.
        row("GET /push/config", "", 200),
        row("GET /push/targets", &format!("?user_id={bob}"), 200).telling(json!([])),
        row("PUT /push/targets/{device_id}", "/push/targets/bobs-own-phone", 422)
            .with(json!({"provider": "fcm", "token": "x"})),
        row("DELETE /push/targets/{device_id}", "/push/targets/bobs-own-phone", 204),
        row("POST /push/targets/{device_id}/test", "/push/targets/bobs-own-phone/test", 404),
        row("POST /reports", "", 422).with(json!({
            "message_id": message, "conversation_id": conversation, "sender_id": bob,
            "timestamp": "2026-01-01T00:00:00.000000Z", "report_token": "A".repeat(23), "reason": "spam",
        })),
        // Without an upgrade; frames have a test of their own.
        row("GET /chat/ws", "", 426),
    ]
}

/// What each state of a file allows to whom has a test of its own.
fn of_files(world: &World) -> Vec<Row> {
    let file = &world.file;
    vec![
        row("POST /media", "", 201).with(json!({"size": 5, "owner_id": world.bob.id})),
        row("GET /media/{id}", file, 404),
        row("PUT /media/{id}", file, 404).with(json!("five")),
        // The version of tus is missing, which is said before anything is looked up.
        row("PATCH /media/{id}", file, 412).with(json!("five")),
        row("POST /media/{id}", file, 405),
        row("DELETE /media/{id}", file, 404),
        row("POST /media/{id}/link", &format!("{file}/link"), 404).with(json!({})),
    ]
}

fn of_accounts(world: &World) -> Vec<Row> {
    let World { bob, carol, login, .. } = world;
    let (password, wrong) = (TestClient::PASSWORD, "not the right password");
    let as_bob = json!({"username": "bob", "password": wrong});
    vec![
        row("GET /root", "", 200),
        row("GET /.well-known/jwks.json", "", 200),
        row("GET /healthz", "", 200),
        row("GET /readyz", "", 200),
        row("GET /registration", "", 200),
        row("POST /auth/register", "", 400)
            .with(json!({"username": "BOB", "email": "m@example.org", "password": password, "public_key": "AAAA"})),
        row("POST /auth/login", "", 401).with(as_bob),
        row("POST /auth/refresh", "", 401).with(json!({"refresh_token": bob.tokens.access_token})),
        row("POST /auth/logout", &format!("?session_id={login}"), 204),
        row("POST /auth/logout_all", &format!("?user_id={}", bob.id), 204),
        row("GET /auth/sessions", &format!("?user_id={}&after={}", bob.id, login - 1), 200),
        row("DELETE /auth/sessions/{id}", &format!("/auth/sessions/{login}"), 404),
        row("PUT /auth/password", "", 200)
            .with(json!({"user_id": bob.id, "old_password": password, "new_password": "another good password"})),
        row("POST /auth/login/second_factor", "", 401).with(json!({"challenge": "A".repeat(43), "code": "123456"})),
        row("GET /auth/second_factor", &format!("?user_id={}", bob.id), 200),
        row("POST /auth/second_factor/totp", "", 200).with(json!({"user_id": bob.id, "password": password})),
        row("POST /auth/second_factor/totp/confirm", "", 404).with(json!({"user_id": bob.id, "code": "123456"})),
        row("POST /auth/second_factor/recovery_codes", "", 404)
            .with(json!({"user_id": bob.id, "password": password, "code": "123456"})),
        row("DELETE /auth/second_factor/totp", "", 404)
            .with(json!({"user_id": bob.id, "password": password, "code": "123456"})),
        row("POST /auth/ws_ticket", "", 200).with(json!({"user_id": bob.id})),
        row("GET /auth/get_all_users", "", 200),
        row("GET /users", &format!("?ids={},{}", bob.id, carol.id), 200),
        row("GET /users/search", "?query=bob", 200),
        row("GET /users/blocked", &format!("?user_id={}", bob.id), 200).telling(json!([])),
        row("GET /users/me", &format!("?user_id={}", bob.id), 200),
        row("DELETE /users/me", "", 204).with(json!({"user_id": bob.id, "password": password})),
        row("PUT /users/me/public_key", "", 200).with(json!({"user_id": bob.id, "public_key": "TmV3"})),
        row("PUT /users/me/settings", "", 200).with(json!({"user_id": bob.id, "presence": false})),
        row("PUT /users/{id}/block", &format!("/users/{}/block", bob.id), 204),
        row("DELETE /users/{id}/block", &format!("/users/{}/block", bob.id), 204),
    ]
}
