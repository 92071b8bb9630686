//! The store, the session's mailbox and the socket of the tests, driven step by step.

use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::actors::probe;
use crate::actors::session::credit::{Credits, InFlightBytes};
use crate::actors::session::origin::{Origin, Reply};
use crate::actors::session::send_queue::QueuedFrame;
use crate::actors::session::stream::{PageInHand, SeamLimit, Stream};
use crate::domain::{
    Answer, ConversationId, Epoch, Event, MessageId, Seq, SocketId, Stored, Timestamp, UserId, Viewer,
};
use crate::protocol::v1::Context;
use crate::storage::Page;

pub(super) const ME: UserId = UserId(1);
pub(super) const OTHER: UserId = UserId(2);

/// A step of a test.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A message is committed, of this socket or of another one.
    Commit { own: bool },
    /// The oldest commit in the mailbox is delivered to the session.
    Deliver,
    /// A page of so many events is read from the store, if one may be read.
    Read(usize),
    /// The page that was read reaches the session; others may have written since.
    Page,
    /// The outcome of a commit was unknown, so it is not announced.
    Lose,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<bool>().prop_map(|own| Step::Commit { own }),
        3 => Just(Step::Deliver),
        3 => (1..4_usize).prop_map(Step::Read),
        3 => Just(Step::Page),
        1 => Just(Step::Lose),
    ]
}

/// The store, the session's mailbox, and the socket.
pub(super) struct World {
    pub(super) stored: Vec<Arc<Event>>,
    pub(super) mailbox: VecDeque<(Arc<Event>, Option<Reply>)>,
    pub(super) stream: Stream,
    pub(super) credits: Credits,
    pub(super) permits: Arc<Semaphore>,
    /// The page on its way from the store to the session.
    pub(super) read: Option<PageInHand>,
    pub(super) read_up_to: Seq,
    pub(super) frames: Vec<Value>,
}

impl World {
    pub(super) fn new(since: i64, seam: usize) -> Self {
        Self::with(since, SeamLimit { events: seam, bytes: 1 << 20 })
    }

    pub(super) fn with(since: i64, seam: SeamLimit) -> Self {
        let mut stream = Stream::new(
            Viewer { user: ME },
            seam,
            Arc::new(crate::protocol::franking::ReportTokens::new(&[0; 32]).unwrap()),
        );
        stream.begin(Epoch::parse("e").unwrap(), Seq(since));
        Self {
            stored: (1..=5).map(|seq| message(seq, OTHER)).collect(),
            mailbox: VecDeque::new(),
            stream,
            credits: Credits::new(1000, 1 << 20, InFlightBytes::new(1 << 20)),
            permits: Arc::new(Semaphore::new(1)),
            read: None,
            read_up_to: Seq(since),
            frames: Vec::new(),
        }
    }

    pub(super) fn head(&self) -> i64 {
        i64::try_from(self.stored.len()).unwrap()
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Commit { own } => {
                let seq = self.head() + 1;
                let event = message(seq, if own { ME } else { OTHER });
                let reply = own.then(|| self.reply(&event));
                self.stored.push(event.clone());
                self.mailbox.push_back((event, reply));
            }
            Step::Deliver => {
                if let Some((event, reply)) = self.mailbox.pop_front() {
                    let frames = self.stream.event(&event, reply);
                    self.write(frames);
                }
            }
            Step::Read(events) => {
                // A live socket has no replay.
                if self.stream.is_live() || self.read.is_some() {
                    return;
                }
                let Ok(permit) = self.permits.clone().try_acquire_owned() else { return };
                let missed = self.stored.iter().filter(|event| event.seq > self.read_up_to);
                let events: Vec<Event> = missed.take(events).map(|event| (**event).clone()).collect();
                let head = Seq(self.head());
                let up_to = events.last().map_or(head, |event| event.seq);
                self.read_up_to = up_to;
                let page = Page { events, up_to, is_last: up_to == head };
                self.read = Some(PageInHand { page, permit, admission: None });
            }
            Step::Page => {
                if let Some(page) = self.read.take() {
                    let frames = self.stream.page(page);
                    self.write(frames);
                }
            }
            Step::Lose => {
                // As the writer does it: earlier commits are announced first.
                while !self.mailbox.is_empty() {
                    self.step(Step::Deliver);
                }
                self.stored.push(message(self.head() + 1, OTHER));
                if let Some(since) = self.stream.fall_behind() {
                    self.read_up_to = since;
                    self.permits = Arc::new(Semaphore::new(1));
                }
            }
        }
    }

    pub(super) fn reply(&mut self, event: &Event) -> Reply {
        let credit = futures_util::FutureExt::now_or_never(self.credits.reserve()).unwrap();
        let ordinal = self.stream.number_command();
        let origin = Origin { user: ME, socket: SocketId(1), ordinal, context: Context::default(), credit };
        let stored = Stored {
            client_id: None,
            conversation_id: ConversationId(1),
            id: MessageId(event.seq.0),
            seq: event.seq,
            timestamp: Timestamp::from_micros(0),
            duplicate: false,
        };
        Reply { origin, answer: Answer::Stored(stored) }
    }

    /// Returns the frames sent so far: the `seq` of each event, and the type of other frames.
    pub(super) fn sent(&self) -> Vec<String> {
        let name =
            |frame: &Value| frame["seq"].as_i64().map_or_else(|| frame["type"].to_string(), |seq| seq.to_string());
        self.frames.iter().map(name).collect()
    }

    /// Returns whether nothing of this socket is on its way.
    pub(super) fn is_settled(&self) -> bool {
        futures_util::FutureExt::now_or_never(self.credits.settled()).is_some()
    }

    /// Lets the client read everything, which gives the page permit back.
    pub(super) fn write(&mut self, frames: Vec<QueuedFrame>) {
        let frames = frames.into_iter().map(|frame| serde_json::from_slice(&frame.frame.into_bytes()).unwrap());
        self.frames.extend(frames);
    }

    /// Delivers and reads until nothing is left.
    pub(super) fn finish(&mut self) {
        while !self.mailbox.is_empty() {
            self.step(Step::Deliver);
        }
        for _ in 0..1000 {
            if self.stream.is_live() {
                return;
            }
            self.step(Step::Read(3));
            self.step(Step::Page);
        }
        panic!("it never goes live: {:?}", self.stream);
    }
}

pub(super) fn message(seq: i64, sender: UserId) -> Arc<Event> {
    probe::message(seq, sender, if sender == ME { OTHER } else { ME }, "r")
}
