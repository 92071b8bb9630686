//! A NATS server for one test, and clients of it.

use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, Subscriber};
use fluent_backend::testing::{Nats, NatsError, soon};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::skip::skip;

/// Starts a server. Without the program the test is skipped, and in CI fails.
pub(crate) async fn nats() -> Option<Nats> {
    nats_with("").await
}

/// The same with more lines in its configuration.
pub(crate) async fn nats_with(settings: &str) -> Option<Nats> {
    match Nats::start_with(settings).await {
        Err(error @ NatsError::NotInstalled) => {
            skip(&error.to_string());
            None
        }
        other => Some(other.unwrap()),
    }
}

/// A client, and what happens to its connection.
pub(crate) struct NatsClient {
    pub(crate) client: Client,
    events: UnboundedReceiver<Event>,
}

impl NatsClient {
    /// Connects to a server, or to a link in front of it. A client that is cut off tries again at once.
    pub(crate) async fn connect(url: &str) -> Self {
        let (sender, events) = unbounded_channel();
        let options = ConnectOptions::new()
            .connection_timeout(Duration::from_secs(1))
            .reconnect_delay_callback(|_| Duration::from_millis(10))
            .event_callback(move |event| {
                let _ = sender.send(event);
                async {}
            });
        let connecting = Box::pin(options.connect(url));
        let mut this = Self { client: soon("a connection", connecting).await.unwrap(), events };
        this.expect(&Event::Connected).await;
        this
    }

    /// Waits for an event; others are passed over.
    pub(crate) async fn expect(&mut self, expected: &Event) {
        soon(&format!("{expected}"), async { while self.events.recv().await.as_ref() != Some(expected) {} }).await;
    }

    /// Publishes a text.
    pub(crate) async fn publish(&self, subject: &'static str, text: &str) {
        self.client.publish(subject, text.to_owned().into()).await.unwrap();
        soon("a flush", self.client.flush()).await.unwrap();
    }

    /// Subscribes, and waits until the server knows it.
    pub(crate) async fn subscribe(&self, subject: &'static str) -> Texts {
        let texts = Texts(self.client.subscribe(subject).await.unwrap());
        let inbox = self.client.new_inbox();
        let mut own = Texts(self.client.subscribe(inbox.clone()).await.unwrap());
        self.client.publish(inbox, "ready".into()).await.unwrap();
        assert_eq!(own.next().await, "ready");
        texts
    }
}

/// The texts that a subscription brings.
pub(crate) struct Texts(Subscriber);

impl Texts {
    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> String {
        let message = soon("a message", self.0.next()).await.unwrap();
        String::from_utf8(message.payload.to_vec()).unwrap()
    }

    /// Waits for so many.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            texts.push(self.next().await);
        }
        texts
    }

    /// Returns whether none has arrived.
    pub(crate) fn is_empty(&mut self) -> bool {
        self.0.next().now_or_never().is_none()
    }
}
