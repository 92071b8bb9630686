//! The state machine of `fluent_client`, over the tool's own socket: it decides where a socket resumes, and what is sent
//! when. The disk is this value.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use anyhow::{Result, bail};
use fluent_client::{Action, Client, ClientFrame, Cursor, Draft, Event, Outbox, Refusal};

use crate::clock;

/// The client of a device.
pub(super) struct Phone {
    user_id: i64,
    client: Client,
    has_started: bool,
    cursor: Option<Cursor>,
    to_send: VecDeque<Draft>,
    /// Names of messages that were sent and have no answer yet.
    sent: HashSet<String>,
    /// When sending resumes, while it pauses.
    resumes: Option<u64>,
}

impl Phone {
    /// A client of a device that has nothing.
    pub(super) fn new(user_id: i64) -> Self {
        let client = Client::new(user_id, Vec::new(), None, Outbox::default());
        let (to_send, sent) = (VecDeque::new(), HashSet::new());
        Self { user_id, client, has_started: false, cursor: None, to_send, sent, resumes: None }
    }

    /// Up to where everything is kept; none before the first socket is live.
    pub(super) fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// Messages that are not stored yet, in the order in which they were written.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Draft> {
        self.client.outbox().waiting()
    }

    /// Begins an attempt, and returns the cursor that it resumes behind.
    pub(super) fn connect(&mut self) -> Result<Option<Cursor>> {
        let event = if std::mem::replace(&mut self.has_started, true) { Event::PauseEnded } else { Event::Start };
        for action in self.client.on(event) {
            if let Action::Connect { since } = action {
                return Ok(since);
            }
        }
        bail!("the client has stopped: {}", self.client.state())
    }

    /// The attempt has not led to a socket.
    pub(super) fn refused(&mut self) {
        self.happens(Event::Refused(Refusal::Passing { retry_after: None }));
    }

    /// The socket is gone, with all that was to be sent on it.
    pub(super) fn closed(&mut self) {
        self.to_send.clear();
        self.happens(Event::Closed { code: None, reason: String::new(), held: Duration::ZERO });
    }

    /// A text frame has arrived.
    pub(super) fn received(&mut self, frame: &[u8]) {
        self.happens(Event::Received(String::from_utf8_lossy(frame).into_owned()));
    }

    /// A message is written.
    pub(super) fn write(&mut self, draft: Draft) {
        self.happens(Event::Written(draft));
    }

    /// Forgets what was kept behind event `seq`, as a device does whose disk had not taken it yet.
    pub(super) fn forget(&mut self, seq: u64) {
        self.cursor = self.cursor.as_ref().map(|cursor| Cursor::new(cursor.epoch(), seq));
        let mut outbox = Outbox::default();
        self.waiting().for_each(|draft| outbox.push(draft.clone()));
        self.client = Client::new(self.user_id, Vec::new(), self.cursor.clone(), outbox);
        self.to_send.clear();
        (self.has_started, self.resumes) = (false, None);
    }

    /// Whether sending pauses at this time.
    pub(super) fn pauses(&mut self, now: u64) -> bool {
        if self.resumes.is_some_and(|due| due <= now) {
            self.resumes = None;
            self.happens(Event::SendingResumed);
        }
        self.resumes.is_some()
    }

    /// Returns the next message to send, and whether it was sent before.
    pub(super) fn next(&mut self) -> Option<(Draft, bool)> {
        let draft = self.to_send.pop_front()?;
        let is_resend = !self.sent.insert(draft.client_id.clone());
        Some((draft, is_resend))
    }

    /// A message has its answer.
    pub(super) fn answered(&mut self, client_id: &str) {
        self.sent.remove(client_id);
    }

    fn happens(&mut self, event: Event) {
        for action in self.client.on(event) {
            match action {
                Action::Send(ClientFrame::Send(draft)) => self.to_send.push_back(draft),
                Action::SaveCursor(cursor) => self.cursor = Some(cursor),
                // Nothing was written to a device before it came for the first time: there is no history to load.
                Action::StartOver(number) => self.happens(Event::Reloaded(number)),
                Action::PauseSending(pause) => self.resumes = Some(clock::now() + clock::nanos(pause.draw(0.5))),
                // How often the server is told what is kept, and when the next attempt begins, is the run's to decide.
                _ => {}
            }
        }
    }
}
