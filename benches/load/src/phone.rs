//! The state machine of `fluent_client`, over the tool's own socket: it decides where a socket resumes, and what is
//! sent when. The disk is this value.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use anyhow::{Result, bail};
use fluent_client::{Action, Client, ClientFrame, Cursor, Draft, Event, Outbox, Refusal};

use crate::clock;
use crate::socket::text_frame;

/// From the first thing that `delivered` is to say until it says that and what has come since: it is cumulative.
const TELL: u64 = 1_000_000_000;

/// The client of a device.
pub(crate) struct Phone {
    user_id: i64,
    watch: Vec<i64>,
    client: Client,
    has_started: bool,
    cursor: Option<Cursor>,
    to_send: VecDeque<Draft>,
    /// Frames that are neither messages nor `delivered`.
    to_say: VecDeque<ClientFrame>,
    /// What `delivered` is to say, and when.
    delivered: Option<(u64, u64)>,
    /// Names of messages that were sent and have no answer yet.
    sent: HashSet<String>,
    /// When sending resumes, while it pauses.
    resumes: Option<u64>,
}

impl Phone {
    /// A client of a device that has nothing, and watches these users.
    pub(crate) fn new(user_id: i64, watch: Vec<i64>) -> Self {
        let client = Client::new(user_id, watch.clone(), None, Outbox::default());
        Self {
            user_id,
            watch,
            client,
            has_started: false,
            cursor: None,
            to_send: VecDeque::new(),
            to_say: VecDeque::new(),
            delivered: None,
            sent: HashSet::new(),
            resumes: None,
        }
    }

    /// Up to where everything is kept; none before the first socket is live.
    pub(crate) fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// Messages that are not stored yet, in the order in which they were written.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Draft> {
        self.client.outbox().waiting()
    }

    /// Begins an attempt, and returns the cursor that it resumes behind.
    pub(crate) fn connect(&mut self) -> Result<Option<Cursor>> {
        let event = if std::mem::replace(&mut self.has_started, true) { Event::PauseEnded } else { Event::Start };
        for action in self.client.on(event) {
            if let Action::Connect { since } = action {
                return Ok(since);
            }
        }
        bail!("the client has stopped: {}", self.client.state())
    }

    /// The attempt has not led to a socket.
    pub(crate) fn refused(&mut self) {
        self.happens(Event::Refused(Refusal::Passing { retry_after: None }));
    }

    /// The socket is gone, with all that was to be sent on it.
    pub(crate) fn closed(&mut self) {
        self.clear();
        self.happens(Event::Closed { code: None, reason: String::new(), held: Duration::ZERO });
    }

    /// A text frame has arrived.
    pub(crate) fn received(&mut self, frame: &[u8]) {
        self.happens(Event::Received(String::from_utf8_lossy(frame).into_owned()));
    }

    /// A message is written.
    pub(crate) fn write(&mut self, draft: Draft) {
        self.happens(Event::Written(draft));
    }

    /// Forgets what was kept behind event `seq`, as a device does whose disk had not taken it yet.
    pub(crate) fn forget(&mut self, seq: u64) {
        self.cursor = self.cursor.as_ref().map(|cursor| Cursor::new(cursor.epoch(), seq));
        let mut outbox = Outbox::default();
        self.waiting().for_each(|draft| outbox.push(draft.clone()));
        self.client = Client::new(self.user_id, self.watch.clone(), self.cursor.clone(), outbox);
        self.clear();
        (self.has_started, self.resumes) = (false, None);
    }

    /// Whether sending pauses at this time.
    pub(crate) fn pauses(&mut self, now: u64) -> bool {
        if self.resumes.is_some_and(|due| due <= now) {
            self.resumes = None;
            self.happens(Event::SendingResumed);
        }
        self.resumes.is_some()
    }

    /// When sending resumes, while it pauses.
    pub(crate) fn resumes(&self) -> Option<u64> {
        self.resumes
    }

    /// When there is something to send although nothing comes.
    pub(crate) fn due(&self) -> Option<u64> {
        self.resumes.into_iter().chain(self.delivered.map(|(_, due)| due)).min()
    }

    /// Returns the next frame that is no message.
    pub(crate) fn next_frame(&mut self, now: u64) -> Option<ClientFrame> {
        let delivered = self.delivered.take_if(|(_, due)| *due <= now);
        let delivered = delivered.map(|(up_to_seq, _)| ClientFrame::Delivered { up_to_seq });
        delivered.or_else(|| self.to_say.pop_front())
    }

    /// Returns the next message to send, and whether it was sent before.
    pub(crate) fn next(&mut self) -> Option<(Draft, bool)> {
        let draft = self.to_send.pop_front()?;
        let is_resend = !self.sent.insert(draft.client_id.clone());
        Some((draft, is_resend))
    }

    /// A message has its answer.
    pub(crate) fn answered(&mut self, client_id: &str) {
        self.sent.remove(client_id);
    }

    fn clear(&mut self) {
        self.to_send.clear();
        self.to_say.clear();
        self.delivered = None;
    }

    /// Something has happened.
    pub(crate) fn happens(&mut self, event: Event) {
        for action in self.client.on(event) {
            match action {
                Action::Send(ClientFrame::Send(draft)) => self.to_send.push_back(draft),
                Action::Send(ClientFrame::Delivered { up_to_seq }) => {
                    let due = self.delivered.map_or_else(|| clock::now() + TELL, |(_, due)| due);
                    self.delivered = Some((up_to_seq, due));
                }
                Action::Send(frame) => self.to_say.push_back(frame),
                Action::SaveCursor(cursor) => self.cursor = Some(cursor),
                // Nothing was written to a device before it came for the first time: there is no history to load.
                Action::StartOver(number) => self.happens(Event::Reloaded(number)),
                Action::PauseSending(pause) => self.resumes = Some(clock::now() + clock::nanos(pause.draw(0.5))),
                // When the next attempt begins is the run's to decide, and what is kept it counts itself.
                _ => {}
            }
        }
    }
}

/// The message that a frame sends.
pub(crate) fn draft_of(frame: &[u8]) -> Option<Draft> {
    serde_json::from_slice(frame.get(memchr::memchr(b'{', frame)?..)?).ok()
}

/// A frame as it is sent: always the same bytes for the same message.
pub(crate) fn frame_of(frame: &ClientFrame) -> Vec<u8> {
    // A frame is always JSON: its keys are texts and its values plain.
    text_frame(&serde_json::to_vec(frame).unwrap_or_default()).0
}
