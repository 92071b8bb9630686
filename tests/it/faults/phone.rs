//! A phone under load: sends to a friend, keeps received and unacknowledged messages, and reconnects after every fault.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use fluent_backend::testing::{TestClient, TestSocket, send_frame};
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::tungstenite::Message;

use super::load::{Shared, Stage};
use crate::support::kept::Kept;

/// Messages on their way at a time.
const WINDOW: usize = 16;
/// How probable it is that a message is sent twice.
const TWICE: f64 = 0.3;
/// What was refused is sent again after this: sooner than the server asks for, as an impatient client does.
const AGAIN: Duration = Duration::from_millis(50);

/// A device of a user, with its outbox.
pub(super) struct Phone {
    pub(super) user: TestClient,
    pub(super) kept: Kept,
    friend: i32,
    place: usize,
    shared: Arc<Shared>,
    written: usize,
    outbox: VecDeque<Value>,
    /// Sent on this connection, not yet answered.
    waiting: Vec<Value>,
    /// The answers to each of its messages.
    pub(super) answers: BTreeMap<String, Vec<Value>>,
    not_before: Instant,
}

impl Phone {
    pub(super) fn new(user: TestClient, friend: i32, place: usize, shared: Arc<Shared>) -> Self {
        Self {
            user,
            kept: Kept::nothing("phone"),
            friend,
            place,
            shared,
            written: 0,
            outbox: VecDeque::new(),
            waiting: Vec::new(),
            answers: BTreeMap::new(),
            not_before: Instant::now(),
        }
    }

    /// Comes back again and again until the end.
    pub(super) async fn run(mut self) -> Self {
        let (mut addr, mut stage) = (self.shared.addr.subscribe(), self.shared.stage.subscribe());
        while *stage.borrow_and_update() != Stage::End {
            let found = tokio::select! {
                found = addr.wait_for(Option::is_some) => *found.unwrap(),
                _ = stage.changed() => continue,
            };
            self.connection(found.unwrap()).await;
            // Its outcome is unknown.
            self.outbox.extend(self.waiting.drain(..));
            let pause = Duration::from_millis(rand::random_range(0..30));
            sleep(pause).await;
        }
        self
    }

    async fn connection(&mut self, addr: SocketAddr) {
        let since = self.kept.cursor.as_ref().map(|cursor| format!("&since={cursor}")).unwrap_or_default();
        let path = format!("/chat/ws?device_id={}{since}", self.kept.name());
        let bearer = format!("Bearer {}", self.user.tokens.access_token);
        let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", "fluent.v1")];
        let Ok(mut socket) = TestSocket::open_with(addr, &path, &headers).await else { return };
        let Some(hello) = next(&mut socket).await else { return };
        let is_first = self.kept.cursor.is_none();
        self.kept.begin(&hello);
        if is_first {
            return;
        }
        let mut stage = self.shared.stage.subscribe();
        loop {
            let now = *stage.borrow_and_update();
            if now == Stage::End {
                return;
            }
            let may_send = self.not_before <= Instant::now();
            while may_send && self.waiting.len() < WINDOW {
                let Some(frame) = self.outbox.pop_front().or_else(|| (now == Stage::Write).then(|| self.write()))
                else {
                    break;
                };
                let times = if rand::random_bool(TWICE) { 2 } else { 1 };
                let text = frame.to_string();
                // Before it is sent: who knows how much of it arrives.
                self.waiting.push(frame);
                for _ in 0..times {
                    if socket.send(Message::text(text.clone())).await.is_err() {
                        return;
                    }
                }
            }
            self.publish();
            tokio::select! {
                frame = next(&mut socket) => match frame {
                    Some(frame) => self.take(&frame),
                    None => return,
                },
                _ = stage.changed() => {}
                () = sleep_until(self.not_before), if !may_send => {}
            }
        }
    }

    fn write(&mut self) -> Value {
        let frame = send_frame(self.friend, &format!("{}.{}", self.user.name, self.written));
        self.written += 1;
        self.shared.written.fetch_add(1, Relaxed);
        frame
    }

    fn take(&mut self, frame: &Value) {
        let client_id = frame["client_id"].as_str();
        if frame["type"] == "error" {
            let typed = (frame["code"].as_str(), frame["retryable"].as_bool(), frame["retry_after_ms"].is_u64());
            assert_eq!(typed, (Some("unavailable"), Some(true), true), "{frame}");
            self.shared.refused.fetch_add(1, Relaxed);
            self.not_before = Instant::now() + AGAIN;
            let place = self.waiting.iter().position(|sent| sent["client_id"].as_str() == client_id);
            self.outbox.extend(place.map(|place| self.waiting.remove(place)));
            return;
        }
        let kind = self.kept.take(frame);
        let Some(client_id) = client_id else { return };
        if kind == "stored" {
            self.answers.entry(client_id.to_owned()).or_default().push(frame.clone());
        }
        // An own message that comes as news was stored, too, although its outcome was unknown at its time.
        self.waiting.retain(|sent| sent["client_id"] != client_id);
        self.outbox.retain(|sent| sent["client_id"] != client_id);
    }

    fn publish(&self) {
        let open = self.waiting.len() + self.outbox.len();
        self.shared.note(self.place, self.written - open, self.kept.messages.len(), open);
    }
}

/// The next frame; none when the connection has gone in a way that a crash or a patient server ends it.
async fn next(socket: &mut TestSocket) -> Option<Value> {
    match socket.next().await {
        Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).unwrap()),
        Some(Ok(Message::Close(Some(frame)))) => {
            let code = u16::from(frame.code);
            assert!([1001, 1012, 1013].contains(&code), "closed with {code} {}", frame.reason);
            None
        }
        _ => None,
    }
}
