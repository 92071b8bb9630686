//! A `fluent.v1` device that writes and returns as other clients do: `fluent-client` decides where a socket resumes and
//! what is sent when. What it keeps is checked apart from it, by [`Kept`].

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use fluent_backend::testing::{TestClient, send_frame};
use fluent_client::transport::{Link, OpenError, Opening, Server, Socket};
use fluent_client::{Action, Client, ClientFrame, Cursor, Draft, ErrorFrame, Event, Notice, Outbox};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use super::kept::Kept;

/// Longest time until a socket is open.
const OPEN: Duration = Duration::from_secs(10);
/// What was refused is sent again after this: sooner than the server asks for, as an impatient client does.
const AGAIN: Duration = Duration::from_millis(50);

/// A device of a user, with what it keeps.
pub(crate) struct Device {
    pub(crate) user: TestClient,
    pub(crate) kept: Kept,
    client: Client,
    link: Link<TcpStream>,
    has_started: bool,
    /// How probable it is that a message is sent twice.
    twice: f64,
    /// The answers to each of its messages.
    pub(crate) answers: BTreeMap<String, Vec<Value>>,
    /// Messages without an answer, in the order in which they were written.
    unanswered: VecDeque<Draft>,
    sending_resumes: Option<Instant>,
}

/// What has happened to a device.
pub(crate) enum Happened {
    /// This frame has come.
    Frame(Value),
    /// The socket has ended, with this code if the server has closed it; or there was none.
    Ended(Option<u16>),
    /// A pause is over.
    Resumed,
}

impl Device {
    /// A device that asks for everything from the first event on, and has no socket.
    pub(crate) async fn new(user: &TestClient, name: &str) -> Self {
        let mut kept = Kept::nothing(name);
        let first = user.device(name, None).await;
        kept.begin(&first.hello);
        first.socket.close().await;
        let cursor: Cursor = kept.cursor.as_deref().unwrap().parse().unwrap();
        Self {
            user: user.clone(),
            kept,
            client: Client::new(user.id.into(), Vec::new(), Some(cursor), Outbox::default()),
            link: link(user.http.addr(), user, name),
            has_started: false,
            twice: 0.0,
            answers: BTreeMap::new(),
            unanswered: VecDeque::new(),
            sending_resumes: None,
        }
    }

    /// Sends messages twice with this probability.
    pub(crate) fn repeating(self, twice: f64) -> Self {
        Self { twice, ..self }
    }

    /// Messages that are not stored yet, as the client knows.
    pub(crate) fn unsent(&self) -> usize {
        self.client.outbox().unsent()
    }

    /// Messages without an answer: they may be stored.
    pub(crate) fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// Whether sending pauses, after a refusal.
    pub(crate) fn pauses(&self) -> bool {
        self.sending_resumes.is_some()
    }

    /// Begins to open a socket at this address.
    pub(crate) async fn connect(&mut self, addr: SocketAddr) {
        self.link = link(addr, &self.user, self.kept.name());
        let has_started = std::mem::replace(&mut self.has_started, true);
        self.on(if has_started { Event::PauseEnded } else { Event::Start }).await;
    }

    /// Performs the closing handshake.
    pub(crate) async fn close(&mut self) {
        self.link.close().await;
        self.on(Event::Closed { code: None, reason: String::new(), held: Duration::ZERO }).await;
    }

    /// Writes a message with this text.
    pub(crate) async fn write(&mut self, to: i32, text: &str) {
        let draft: Draft = serde_json::from_value(send_frame(to, text)).unwrap();
        self.answers.insert(draft.client_id.clone(), Vec::new());
        self.unanswered.push_back(draft.clone());
        self.on(Event::Written(draft)).await;
    }

    /// Sees a partner's messages up to this one.
    pub(crate) async fn see(&mut self, partner: i64, id: i64) {
        self.on(Event::Seen { partner, id }).await;
    }

    /// Waits for the next event, which [`take`](Self::take) takes in. Nothing is lost when this is cancelled.
    pub(crate) async fn next(&mut self) -> Event {
        let resumes = self.sending_resumes;
        tokio::select! {
            event = self.link.next() => event,
            () = sleep_until(resumes.unwrap_or_else(Instant::now)), if resumes.is_some() => {
                self.sending_resumes = None;
                Event::SendingResumed
            }
        }
    }

    /// Takes in an event. A frame is checked and kept first, unless it is an error, which is the test's to judge.
    pub(crate) async fn take(&mut self, event: Event) -> Happened {
        let happened = match &event {
            Event::Received(text) => Happened::Frame(serde_json::from_str(text).unwrap()),
            Event::Closed { code, .. } => Happened::Ended(*code),
            Event::Refused(_) => Happened::Ended(None),
            _ => Happened::Resumed,
        };
        if let Happened::Frame(frame) = &happened {
            self.keep(frame).await;
        }
        self.on(event).await;
        happened
    }

    async fn keep(&mut self, frame: &Value) {
        match frame["type"].as_str() {
            Some("error") => {}
            Some("hello") => {
                self.kept.begin(frame);
                self.ask_again().await;
            }
            _ => {
                if self.kept.take(frame) == "stored" {
                    let client_id = frame["client_id"].as_str().unwrap();
                    self.answers.get_mut(client_id).expect("an own message").push(frame.clone());
                    self.unanswered.retain(|draft| draft.client_id != client_id);
                }
            }
        }
    }

    /// Sends what has no answer without waiting for `live`, which the client does: it may be stored, or not.
    async fn ask_again(&mut self) {
        if !self.pauses() {
            for draft in &self.unanswered {
                self.link.send(&ClientFrame::Send(draft.clone())).await;
            }
        }
    }

    async fn on(&mut self, event: Event) {
        for action in self.client.on(event) {
            match action {
                Action::Connect { .. } => _ = self.link.perform(action).await,
                Action::Send(frame) => {
                    let is_twice = matches!(frame, ClientFrame::Send(_)) && rand::random_bool(self.twice);
                    for _ in 0..if is_twice { 2 } else { 1 } {
                        self.link.send(&frame).await;
                    }
                }
                Action::PauseSending(_) => self.sending_resumes = Some(Instant::now() + AGAIN),
                // The test says when it returns, keeps frames as they come, and judges what refuses a `delivered`.
                Action::Pause(_)
                | Action::Keep(_)
                | Action::SaveCursor(_)
                | Action::SaveOutbox
                | Action::Tell(Notice::Live | Notice::Refused(ErrorFrame { retryable: true, .. })) => {}
                other => panic!("{} of {}: {other:?} {}", self.kept.name(), self.user.name, self.link.trouble()),
            }
        }
    }
}

/// A link to the socket of a user's device.
fn link(addr: SocketAddr, user: &TestClient, name: &str) -> Link<TcpStream> {
    let server: Server = format!("http://{addr}").parse().unwrap();
    let (token, device_id) = (user.tokens.access_token.clone(), name.to_owned());
    Link::new(move |since| {
        let (url, token, device_id) = (server.socket_url("/chat/ws"), token.clone(), device_id.clone());
        async move {
            let opened = timeout(OPEN, async {
                let stream = TcpStream::connect(addr).await.map_err(OpenError::unreachable)?;
                let opening = Opening { url: &url, token: &token, device_id: &device_id, since: since.as_ref() };
                Socket::open(stream, opening).await
            });
            opened.await.map_err(OpenError::unreachable)?
        }
    })
}
