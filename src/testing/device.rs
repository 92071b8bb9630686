//! A device that speaks `fluent.v1`.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use super::{TestClient, TestSocket};

/// An open `fluent.v1` socket whose `hello` was read.
#[derive(Debug)]
pub struct TestDevice {
    /// The socket below.
    pub socket: TestSocket,
    /// Its `hello`.
    pub hello: Value,
}

/// Returns a `send` of a text message whose copies are `r:<text>` and `s:<text>`, and whose `client_id` is the text
/// with
/// `-` for each blank and comma.
#[must_use]
pub fn send_frame(to: i32, text: &str) -> Value {
    json!({
        "type": "send",
        "client_id": text.replace([' ', ','], "-"),
        "to": to,
        "receiver_encrypted": format!("r:{text}"),
        "sender_encrypted": format!("s:{text}"),
        "message_type": "text",
    })
}

impl TestDevice {
    /// Takes a socket that offered `fluent.v1`, and reads its `hello`.
    pub async fn greeted(mut socket: TestSocket) -> Self {
        let hello: Value = serde_json::from_str(&socket.next_text().await).expect("JSON");
        assert_eq!(hello["type"], "hello", "the first frame: {hello}");
        Self { socket, hello }
    }

    /// Opens a socket with a bearer token; `query` is the part behind `?`. The error holds the refusal.
    pub async fn open(addr: SocketAddr, token: &str, query: &str) -> Result<Self, Box<Error>> {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", "fluent.v1")];
        let socket = TestSocket::open_with(addr, &format!("/chat/ws?{query}"), &headers).await?;
        Ok(Self::greeted(socket).await)
    }

    /// Returns the cursor behind an event of this `seq`.
    #[must_use]
    pub fn cursor(&self, seq: i64) -> String {
        let cursor = self.hello["cursor"].as_str().expect("a cursor");
        let (epoch, _) = cursor.split_once(':').expect("epoch:seq");
        format!("{epoch}:{seq}")
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &Value) {
        self.socket.send_text(&frame.to_string()).await;
    }

    /// Sends a text message.
    pub async fn send_message(&mut self, to: i32, client_id: &str, receiver_copy: &str, sender_copy: &str) {
        self.send(&json!({
            "type": "send",
            "client_id": client_id,
            "to": to,
            "receiver_encrypted": receiver_copy,
            "sender_encrypted": sender_copy,
            "message_type": "text",
        }))
        .await;
    }

    /// Sends a frame, and returns the next one that comes: its reply, if nothing else happens on the socket.
    pub async fn ask(&mut self, frame: &Value) -> Value {
        self.send(frame).await;
        self.next().await
    }

    /// Sends a [`send_frame`], and returns the next frame, which must be its `stored`.
    pub async fn store(&mut self, to: i32, text: &str) -> Value {
        let frame = send_frame(to, text);
        self.send(&frame).await;
        let stored = self.expect("stored").await;
        assert_eq!(stored["client_id"], frame["client_id"], "{stored}");
        stored
    }

    /// Returns all events that are committed by now: sends a message to oneself, and reads up to its `stored`.
    pub async fn so_far(&mut self) -> Vec<Value> {
        let client_id = crate::clock::random_token().expect("random bytes");
        let user = i32::try_from(self.hello["user_id"].as_i64().expect("an id")).expect("a small id");
        self.send_message(user, &client_id, "a note", "a note").await;
        let mut before = Vec::new();
        loop {
            let frame = self.next().await;
            if frame["type"] == "stored" && frame["client_id"] == client_id {
                return before;
            }
            before.push(frame);
        }
    }

    /// Returns the next frame; fails the test when the socket is closed.
    pub async fn next(&mut self) -> Value {
        serde_json::from_str(&self.socket.next_text().await).expect("JSON")
    }

    /// Returns the next frame, which must be of this type.
    pub async fn expect(&mut self, kind: &str) -> Value {
        let frame = self.next().await;
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }

    /// Reads up to the first frame of this type. Returns the frames before it, and that frame.
    pub async fn read_until(&mut self, kind: &str) -> (Vec<Value>, Value) {
        let mut before = Vec::new();
        loop {
            let frame = self.next().await;
            if frame["type"] == kind {
                return (before, frame);
            }
            before.push(frame);
        }
    }
}

impl TestClient {
    /// Opens a `fluent.v1` socket for a device, from a cursor if given, and reads its `hello`.
    pub async fn device(&self, device_id: &str, since: Option<&str>) -> TestDevice {
        let since = since.map(|cursor| format!("&since={cursor}")).unwrap_or_default();
        let query = format!("device_id={device_id}{since}");
        match TestDevice::open(self.http.addr(), &self.tokens.access_token, &query).await {
            Ok(device) => device,
            Err(error) => panic!("cannot open a fluent.v1 socket: {error}"),
        }
    }

    /// As [`device`](Self::device), and reads up to `live`. Returns the device and the frames between `hello` and
    /// `live`.
    pub async fn live_device(&self, device_id: &str, since: Option<&str>) -> (TestDevice, Vec<Value>) {
        let mut device = self.device(device_id, since).await;
        let (missed, _) = device.read_until("live").await;
        (device, missed)
    }
}
