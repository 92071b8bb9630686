//! Persons of the recorded sessions.

use serde_json::{Value, json};

use super::recording::{Peer, Recording};

/// A user who is signed in, with the tokens of the login.
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) id: i64,
    pub(super) access: String,
    pub(super) refresh: String,
}

/// The headers of every request with a body.
pub(super) fn json_body() -> Vec<String> {
    vec!["Content-Type: application/json; charset=UTF-8".to_owned()]
}

impl Person {
    /// The password of everybody.
    pub(super) const PASSWORD: &'static str = "correct horse battery staple";

    /// Registers and logs in.
    pub(super) async fn sign_up(recording: &mut Recording, name: &'static str, public_key: &str) -> Self {
        let email = format!("{name}@example.org");
        let account = json!({"username": name, "email": email, "password": Self::PASSWORD, "public_key": public_key});
        let registered = recording.request("POST /auth/register", &json_body(), &account.to_string()).await;
        let id = registered["id"].as_i64().unwrap();
        let mut person = Self { name, id, access: String::new(), refresh: String::new() };
        person.log_in(recording).await;
        person
    }

    /// Logs in once more.
    pub(super) async fn log_in(&mut self, recording: &mut Recording) {
        let credentials = json!({"username": self.name, "password": Self::PASSWORD});
        let tokens = recording.request("POST /auth/login", &json_body(), &credentials.to_string()).await;
        self.take(&tokens);
    }

    /// Keeps the tokens of an answer.
    pub(super) fn take(&mut self, tokens: &Value) {
        tokens["access_token"].as_str().unwrap().clone_into(&mut self.access);
        tokens["refresh_token"].as_str().unwrap().clone_into(&mut self.refresh);
    }

    /// The header that shows the access token.
    pub(super) fn authorization(&self) -> String {
        format!("Authorization: Bearer {}", self.access)
    }

    /// Asks for something, signed in, without a body.
    pub(super) async fn get(&self, recording: &mut Recording, path: &str) -> Value {
        self.request(recording, &format!("GET {path}"), &Value::Null).await
    }

    /// Sends a request, signed in, with a JSON body unless that is null.
    pub(super) async fn request(&self, recording: &mut Recording, line: &str, body: &Value) -> Value {
        let mut headers = vec![self.authorization()];
        if body.is_null() {
            return recording.request(line, &headers, "").await;
        }
        headers.extend(json_body());
        recording.request(line, &headers, &body.to_string()).await
    }

    /// Opens a `fluent.v1` socket and reads up to its `live`. `query` begins with the name of the device.
    pub(super) async fn live(&self, recording: &mut Recording, query: &str) -> (Peer, Value) {
        let (device, _) = query.split_once('&').unwrap_or((query, ""));
        let headers = [self.authorization(), "Sec-WebSocket-Protocol: fluent.v1".to_owned()];
        let path = format!("/chat/ws?device_id={query}");
        let mut peer = recording.open(&format!("{}/{device}", self.name), &path, &headers).await;
        let live = recording.receive_until(&mut peer, "live").await;
        (peer, live)
    }
}
