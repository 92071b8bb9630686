//! The outside world of the state machine: the socket and its timers, and the calls that run beside them.

mod files;

use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use fluent_client::transport;
use fluent_client::{ClientFrame, Cursor, Draft, Event, Message, Pause, Refreshed, ServerFrame};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::api::Api;
use crate::files::Gauge;
use crate::history;
use crate::http::CallError;
use crate::tls::Connection;
use crate::wire::{Report, Reported, User};
pub(crate) use files::Sent;

/// How often it is looked how far files are.
const LOOK: Duration = Duration::from_millis(250);

/// Something that has come from outside.
pub(crate) enum Happening {
    /// For the state machine.
    Event(Event),
    /// History, for the reload of this number.
    Newest(u32, Result<Vec<ServerFrame>, CallError>),
    /// A page further back.
    Older(Result<Vec<Message>, CallError>),
    /// The receiver of a message whose key was stale.
    Receiver(Draft, Result<User, CallError>),
    /// The operators have a report.
    Reported(Result<Reported, CallError>),
    /// A file is uploaded, or will not be.
    Sent(Sent),
    /// A file of this name is saved, or will not be.
    Saved(String, anyhow::Result<PathBuf>),
    /// It is time to look how far files are.
    Look,
}

type Call = Pin<Box<dyn Future<Output = Happening>>>;

/// The socket, its timers, and the calls.
pub(crate) struct Link {
    api: Arc<Api>,
    socket: transport::Link<Connection>,
    calls: FuturesUnordered<Call>,
    /// How far files are that are on their way.
    gauges: Vec<Rc<Gauge>>,
    looks: tokio::time::Interval,
    trouble: String,
}

impl Link {
    /// Nothing is open yet.
    pub(crate) fn new(api: Api, device_id: String) -> Self {
        let api = Arc::new(api);
        let opener = Arc::clone(&api);
        let socket = transport::Link::new(move |since: Option<Cursor>| {
            let (api, device_id) = (Arc::clone(&opener), device_id.clone());
            async move { api.open_socket(&device_id, since.as_ref()).await }
        });
        let looks = tokio::time::interval(LOOK);
        Self { api, socket, calls: FuturesUnordered::new(), gauges: Vec::new(), looks, trouble: String::new() }
    }

    /// What went wrong last, for people.
    pub(crate) fn trouble(&self) -> &str {
        &self.trouble
    }

    /// Notes what went wrong elsewhere.
    pub(crate) fn note(&mut self, error: CallError) {
        self.trouble = format!("{:#}", anyhow::Error::from(error));
    }

    /// Waits for the next thing to happen. Nothing is lost when this is cancelled.
    pub(crate) async fn next(&mut self) -> Happening {
        tokio::select! {
            event = self.socket.next() => {
                if matches!(event, Event::Refused(_) | Event::Closed { .. }) {
                    self.socket.trouble().clone_into(&mut self.trouble);
                }
                Happening::Event(event)
            }
            Some(happening) = self.calls.next() => happening,
            _ = self.looks.tick(), if !self.gauges.is_empty() => Happening::Look,
        }
    }

    /// Opens a socket.
    pub(crate) fn connect(&mut self, since: Option<Cursor>) {
        self.socket.connect(since);
    }

    /// Lets go of the socket, without a word.
    pub(crate) fn disconnect(&mut self) {
        self.socket.disconnect();
    }

    /// Says goodbye.
    pub(crate) async fn close(&mut self) {
        self.socket.close().await;
    }

    /// Sends a frame. A socket that does not take it has ended.
    pub(crate) async fn send(&mut self, frame: &ClientFrame) {
        self.socket.send(frame).await;
    }

    /// Ends in [`Event::PauseEnded`]. Returns how long that takes.
    pub(crate) fn pause(&mut self, pause: Pause) -> Duration {
        self.socket.pause(pause)
    }

    /// Ends in [`Event::SendingResumed`].
    pub(crate) fn pause_sending(&mut self, pause: Pause) {
        self.socket.pause_sending(pause);
    }

    /// Asks for new tokens.
    pub(crate) fn refresh(&mut self) {
        let api = Arc::clone(&self.api);
        self.call(async move {
            let outcome = match api.refresh().await {
                Ok(()) => Refreshed::Done,
                Err(error) if error.is_transient() => Refreshed::Unreachable,
                Err(error) => Refreshed::Refused(error.to_string()),
            };
            Happening::Event(Event::Refreshed(outcome))
        });
    }

    /// Loads history for the user `me`.
    pub(crate) fn load_newest(&mut self, number: u32, me: i64) {
        let api = Arc::clone(&self.api);
        self.call(async move { Happening::Newest(number, history::newest(&api, me).await) });
    }

    /// Loads what was written before.
    pub(crate) fn load_older(&mut self, partner: i64, before: Option<i64>) {
        let api = Arc::clone(&self.api);
        self.call(async move { Happening::Older(history::older(&api, partner, before).await) });
    }

    /// Looks up the receiver of a message.
    pub(crate) fn look_up_receiver(&mut self, draft: Draft) {
        let api = Arc::clone(&self.api);
        self.call(async move {
            let receiver = api.partner(draft.to).await;
            Happening::Receiver(draft, receiver)
        });
    }

    /// Reports a message.
    pub(crate) fn report(&mut self, report: Report) {
        let api = Arc::clone(&self.api);
        self.call(async move { Happening::Reported(api.report(&report).await) });
    }

    fn call(&mut self, call: impl Future<Output = Happening> + 'static) {
        self.calls.push(Box::pin(call));
    }
}

#[cfg(test)]
mod tests;
