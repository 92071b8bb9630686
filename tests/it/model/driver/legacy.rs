//! The shipped app's dialect.

use fluent_backend::testing::{Http, MessageFrame, TestClient, TestSocket};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message as Wire;

use super::rest::{body, messages};
use super::{Driver, moved};
use crate::model::cut::{self, Ending};
use crate::model::event::Event;
use crate::model::reference::{Draft, Stored, Verdict};
use crate::model::{Checked, in_time};

/// What a legacy message carries: these keys, and no others.
const KEYS: [&str; 5] = ["content", "message_type", "receiver_id", "sender_id", "timestamp"];

/// A user's shipped app: a login session of its own, and a socket.
#[derive(Debug, Default)]
pub(super) struct Legacy {
    client: Option<TestClient>,
    socket: Option<TestSocket>,
    /// The newest message when the socket was opened.
    after: i64,
    /// What has come since.
    seen: Vec<MessageFrame>,
}

/// A frame of the legacy dialect.
enum Frame {
    Message(MessageFrame),
    Error(Value),
}

impl Legacy {
    pub(super) fn move_to(&mut self, http: &Http) {
        self.client = self.client.as_ref().map(|client| moved(client, http));
        self.socket = None;
    }

    fn socket(&mut self) -> Checked<&mut TestSocket> {
        self.socket.as_mut().ok_or_else(|| TestCaseError::fail("no legacy socket"))
    }

    async fn receive(&mut self) -> Checked<Frame> {
        let received = in_time("a legacy frame", self.socket()?.next()).await?;
        let Some(Ok(Wire::Text(text))) = received else {
            return Err(TestCaseError::fail(format!("a legacy socket got {received:?}")));
        };
        let parsed: Result<Value, _> = serde_json::from_str(&text);
        let frame = parsed.map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        let mut keys: Vec<&str> = frame.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        if frame["type"] == "error" {
            prop_assert!(!KEYS.iter().all(|key| keys.contains(key)), "looks like a message: {}", text);
            return Ok(Frame::Error(frame));
        }
        prop_assert_eq!(keys, KEYS, "{}", text);
        let message: Result<MessageFrame, _> = serde_json::from_str(&text);
        message.map(Frame::Message).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))
    }
}

impl Driver<'_> {
    pub(super) async fn legacy_connect(&mut self, user: usize) -> Checked {
        self.legacy_disconnect(user).await?;
        let (newest, client) = (self.model.newest(), self.people[user].client.clone());
        let legacy = &mut self.people[user].legacy;
        if legacy.client.is_none() {
            let http = self.bench.http();
            legacy.client = Some(TestClient::log_in(http, &client.name, client.id).await);
        }
        let connecting = legacy.client.as_ref().expect("it is there").connect();
        legacy.socket = Some(in_time("a legacy handshake", Box::pin(connecting)).await?);
        legacy.after = newest;
        legacy.seen.clear();
        Ok(())
    }

    async fn legacy_come_online(&mut self, user: usize) -> Checked {
        if self.people[user].legacy.socket.is_some() {
            return Ok(());
        }
        self.legacy_connect(user).await
    }

    /// The socket has got exactly the texts that were sent since it was opened; then it goes.
    pub(super) async fn legacy_disconnect(&mut self, user: usize) -> Checked {
        let id = self.id(user);
        let legacy = &mut self.people[user].legacy;
        if legacy.socket.is_none() {
            return Ok(());
        }
        let expected = self.model.legacy_frames(id, legacy.after);
        while legacy.seen.len() < expected.len() {
            match legacy.receive().await? {
                Frame::Message(message) => legacy.seen.push(message),
                Frame::Error(error) => return Err(TestCaseError::fail(format!("not expected: {error}"))),
            }
        }
        prop_assert_eq!(&legacy.seen, &expected, "a legacy socket of user {}", id);
        // Nothing more was on its way.
        legacy.socket()?.send_text("{").await;
        let last = legacy.receive().await?;
        prop_assert!(matches!(last, Frame::Error(_)), "a legacy socket of user {} got more than was sent", id);
        legacy.socket = None;
        Ok(())
    }

    pub(super) async fn legacy_send(&mut self, user: usize, to: usize) -> Checked {
        self.legacy_come_online(user).await?;
        let (id, to) = (self.id(user), self.other(user, to));
        let draft = Draft { client_id: None, ..self.draft(to, true, None) };
        let verdict = self.model.verdict(id, &draft);
        let legacy = &mut self.people[user].legacy;
        let small = i32::try_from(to).expect("a small id");
        legacy.socket()?.send_message(small, &draft.receiver_copy, &draft.sender_copy).await;
        let timestamp = loop {
            match (legacy.receive().await?, verdict) {
                (Frame::Error(_), Verdict::Blocked) => return Ok(()),
                (Frame::Error(error), _) => return Err(TestCaseError::fail(format!("not expected: {error}"))),
                (Frame::Message(message), _) => legacy.seen.push(message),
            }
            let last = legacy.seen.last().expect("one has just come");
            if i64::from(last.sender_id) == id && last.content == draft.sender_copy {
                break last.timestamp.clone();
            }
        };
        prop_assert_eq!(verdict, Verdict::New);
        let news = self.news(id, 1).await?;
        let [Event::Message(message)] = news.as_slice() else {
            return Err(TestCaseError::fail(format!("expected one message, got {news:?}")));
        };
        prop_assert_eq!((&message.content, &message.timestamp), (&draft.sender_copy, &timestamp));
        let stored = Stored {
            client_id: None,
            conversation_id: message.conversation_id,
            id: message.id,
            seq: message.seq,
            timestamp,
            duplicate: false,
        };
        self.model.store(id, &draft, &stored)
    }

    pub(super) async fn legacy_cut(&mut self, user: usize, permille: usize, ending: Ending) -> Checked {
        // The same frame would be stored if it came whole.
        self.legacy_connect(user).await?;
        let to = self.other(user, 1);
        let frame =
            json!({"receiverID": to, "receiver_encrypted": "r", "sender_encrypted": "s", "messageType": "text"});
        let frame = cut::masked(&frame.to_string());
        let length = (frame.len() * permille / 1000).min(frame.len() - 1);
        let socket = self.people[user].legacy.socket.take().expect("it has just been opened");
        cut::write_and_go(socket.into_stream(), &frame[..length], ending).await;
        Ok(())
    }

    /// Opens a chat in the app: fetching the newest page counts as reading it.
    pub(super) async fn legacy_history(&mut self, user: usize, partner: usize) -> Checked {
        self.legacy_come_online(user).await?;
        let (id, partner, newest) = (self.id(user), self.other(user, partner), self.model.newest());
        if self.model.reads_anew(id, partner, newest).is_none() {
            // It is unknown when it takes effect.
            return Ok(());
        }
        let client = self.people[user].legacy.client.as_ref().expect("it is online");
        let page = body(&client.http.get(&format!("/chat/all_messages?partnerID={partner}")).await.ok())?;
        let mut expected = self.model.history(id, partner);
        expected.truncate(20);
        prop_assert_eq!(messages(&page)?, expected);
        self.observe_read(user, partner, newest).await
    }
}
