//! A phone under load: sends to a friend, keeps received and unacknowledged messages, and reconnects after every fault.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use fluent_backend::testing::TestClient;
use serde_json::Value;
use tokio::time::sleep;

use super::load::{Shared, Stage};
use crate::support::device::{Device, Happened};

/// Messages on their way at a time.
const WINDOW: usize = 16;
/// How probable it is that a message is sent twice.
const TWICE: f64 = 0.3;

/// A device of a user, with its outbox.
pub(super) struct Phone {
    pub(super) device: Device,
    friend: i32,
    place: usize,
    shared: Arc<Shared>,
    written: usize,
}

impl Phone {
    pub(super) async fn new(user: &TestClient, friend: i32, place: usize, shared: Arc<Shared>) -> Self {
        let device = Device::new(user, "phone").await.repeating(TWICE);
        Self { device, friend, place, shared, written: 0 }
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
            let pause = Duration::from_millis(rand::random_range(0..30));
            sleep(pause).await;
        }
        self
    }

    async fn connection(&mut self, addr: SocketAddr) {
        self.device.connect(addr).await;
        let mut stage = self.shared.stage.subscribe();
        loop {
            let now = *stage.borrow_and_update();
            if now == Stage::End {
                return;
            }
            while now == Stage::Write && !self.device.pauses() && self.device.unsent() < WINDOW {
                self.write().await;
            }
            self.publish();
            let event = tokio::select! {
                event = self.device.next() => event,
                _ = stage.changed() => continue,
            };
            match self.device.take(event).await {
                Happened::Frame(frame) if frame["type"] == "error" => self.refused(&frame),
                // In a way that a crash or a patient server ends it.
                Happened::Ended(code) => {
                    assert!(code.is_none_or(|code| [1001, 1012, 1013].contains(&code)), "closed with {code:?}");
                    return self.publish();
                }
                _ => {}
            }
        }
    }

    async fn write(&mut self) {
        let text = format!("{}.{}", self.device.user.name, self.written);
        self.written += 1;
        self.shared.written.fetch_add(1, Relaxed);
        self.device.write(self.friend, &text).await;
    }

    fn refused(&self, frame: &Value) {
        let typed = (frame["code"].as_str(), frame["retryable"].as_bool(), frame["retry_after_ms"].is_u64());
        assert_eq!(typed, (Some("unavailable"), Some(true), true), "{frame}");
        self.shared.refused.fetch_add(1, Relaxed);
    }

    fn publish(&self) {
        let open = self.device.unsent();
        self.shared.note(self.place, self.written - open, self.device.kept.messages.len(), open);
    }
}
