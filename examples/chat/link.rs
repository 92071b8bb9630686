//! The outside world of the state machine: the socket, the timers, and the calls that run beside them.

use std::collections::VecDeque;
use std::future::pending;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::StatusCode;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::api::Api;
use crate::client::{ClientFrame, Cursor, Draft, Event, Message, Pause, Refreshed, Refusal, ServerFrame};
use crate::history;
use crate::http::CallError;
use crate::socket::{Closed, Socket};
use crate::wire::User;

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
}

enum Outcome {
    Opened(Result<Socket, CallError>),
    Happened(Happening),
}

type Call = Pin<Box<dyn Future<Output = Outcome>>>;

/// See the module.
pub(crate) struct Link {
    api: Rc<Api>,
    device_id: String,
    socket: Option<(Socket, Instant)>,
    /// When [`Event::Waited`] and [`Event::SendAgain`] are due.
    waited: Option<Instant>,
    send_again: Option<Instant>,
    calls: FuturesUnordered<Call>,
    happened: VecDeque<Happening>,
    trouble: String,
}

impl Link {
    /// Nothing is open yet.
    pub(crate) fn new(api: Api, device_id: String) -> Self {
        let (calls, happened) = (FuturesUnordered::new(), VecDeque::new());
        let (socket, waited, send_again, trouble) = (None, None, None, String::new());
        Self { api: Rc::new(api), device_id, socket, waited, send_again, calls, happened, trouble }
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
        loop {
            if let Some(happening) = self.happened.pop_front() {
                return happening;
            }
            tokio::select! {
                text = read(&mut self.socket) => {
                    let event = match text {
                        Ok(text) => Event::Received(text),
                        Err(closed) => self.ended(&closed),
                    };
                    return Happening::Event(event);
                }
                Some(outcome) = self.calls.next() => match outcome {
                    Outcome::Happened(happening) => return happening,
                    Outcome::Opened(Ok(socket)) => self.socket = Some((socket, Instant::now())),
                    Outcome::Opened(Err(error)) => return Happening::Event(Event::Refused(self.refusal(error))),
                },
                () = at(self.waited) => {
                    self.waited = None;
                    return Happening::Event(Event::Waited);
                }
                () = at(self.send_again) => {
                    self.send_again = None;
                    return Happening::Event(Event::SendAgain);
                }
            }
        }
    }

    /// Opens a socket.
    pub(crate) fn connect(&mut self, since: Option<Cursor>) {
        let (api, device_id) = (Rc::clone(&self.api), self.device_id.clone());
        self.call(async move { Outcome::Opened(api.open_socket(&device_id, since.as_ref()).await) });
    }

    /// Lets go of the socket, without a word.
    pub(crate) fn disconnect(&mut self) {
        self.socket = None;
    }

    /// Says goodbye.
    pub(crate) async fn close(&mut self) {
        if let Some((socket, _)) = self.socket.take() {
            socket.close().await;
        }
    }

    /// Sends a frame. A socket that does not take it has ended.
    pub(crate) async fn send(&mut self, frame: &ClientFrame) -> anyhow::Result<()> {
        let text = serde_json::to_string(frame)?;
        if let Some((socket, _)) = &mut self.socket
            && let Err(closed) = socket.send(text).await
        {
            let event = self.ended(&closed);
            self.happened.push_back(Happening::Event(event));
        }
        Ok(())
    }

    /// Ends in [`Event::Waited`]. Returns how long that takes.
    pub(crate) fn pause(&mut self, pause: Pause) -> Duration {
        let time = pause.draw(rand::random());
        self.waited = Some(Instant::now() + time);
        time
    }

    /// Ends in [`Event::SendAgain`].
    pub(crate) fn send_later(&mut self, pause: Pause) {
        self.send_again = Some(Instant::now() + pause.draw(rand::random()));
    }

    /// Asks for new tokens.
    pub(crate) fn refresh(&mut self) {
        let api = Rc::clone(&self.api);
        self.call(async move {
            let outcome = match api.refresh().await {
                Ok(()) => Refreshed::Done,
                Err(error) if error.is_transient() => Refreshed::Unreachable,
                Err(error) => Refreshed::Refused(error.to_string()),
            };
            Outcome::Happened(Happening::Event(Event::Refreshed(outcome)))
        });
    }

    /// Loads history for the user `me`.
    pub(crate) fn load_newest(&mut self, number: u32, me: i64) {
        let api = Rc::clone(&self.api);
        self.call(async move { Outcome::Happened(Happening::Newest(number, history::newest(&api, me).await)) });
    }

    /// Loads what was written before.
    pub(crate) fn load_older(&mut self, partner: i64, before: Option<i64>) {
        let api = Rc::clone(&self.api);
        self.call(async move { Outcome::Happened(Happening::Older(history::older(&api, partner, before).await)) });
    }

    /// Looks up the receiver of a message.
    pub(crate) fn look_up_receiver(&mut self, draft: Draft) {
        let api = Rc::clone(&self.api);
        self.call(async move {
            let receiver = api.partner(draft.to).await;
            Outcome::Happened(Happening::Receiver(draft, receiver))
        });
    }

    fn call(&mut self, call: impl Future<Output = Outcome> + 'static) {
        self.calls.push(Box::pin(call));
    }

    fn ended(&mut self, closed: &Closed) -> Event {
        self.trouble = closed.to_string();
        let held = self.socket.take().map(|(_, since)| since.elapsed()).unwrap_or_default();
        let (code, reason) = match closed {
            // "No status" is what the library makes of an empty close frame.
            Closed::ByServer { code: CloseCode::Status, .. } | Closed::Lost(_) => (None, String::new()),
            Closed::ByServer { code, reason } => (Some(u16::from(*code)), reason.to_string()),
        };
        Event::Closed { code, reason, held }
    }

    fn refusal(&mut self, error: CallError) -> Refusal {
        let is_transient = error.is_transient();
        let (status, retry_after) = match &error {
            CallError::Refused { status, retry_after, .. } => (Some(*status), *retry_after),
            _ => (None, None),
        };
        self.note(error);
        match status {
            Some(StatusCode::UNAUTHORIZED) => Refusal::Unauthorized(self.trouble.clone()),
            Some(StatusCode::FORBIDDEN) => Refusal::Forbidden(self.trouble.clone()),
            _ if is_transient => Refusal::Passing { retry_after },
            _ => Refusal::Final(self.trouble.clone()),
        }
    }
}

async fn read(socket: &mut Option<(Socket, Instant)>) -> Result<String, Closed> {
    match socket {
        Some((socket, _)) => Ok(socket.next().await?.to_string()),
        None => pending().await,
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
