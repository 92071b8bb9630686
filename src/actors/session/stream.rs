//! The stream of one `fluent.v1` socket: missed events, then live ones, each event once and in the order of `seq`.
//!
//! While the socket is behind, pages come from the store, and new events wait in a queue: the seam. After the last page
//! the socket is sent the seam, and is live. Bound of the seam: [`SeamLimit`]; when it overflows it is dropped, and the
//! store is read once more. Replies are kept apart from it; their number is bounded by credit.
//!
//! A reply with a `seq` takes the place of its event. A page may arrive before the announcement that a command of this
//! socket was committed, and would show its event without the reply; so a page waits until every command that was on
//! its way when it arrived has its reply.

mod behind;

use std::collections::BTreeSet;
use std::sync::Arc;

use behind::Behind;
pub(in crate::actors) use behind::{PageInHand, SeamLimit};

use super::origin::{Origin, Reply};
use super::send_queue::QueuedFrame;
use crate::domain::{Answer, Cursor, Epoch, Event, Seq, Viewer};
use crate::protocol::franking::ReportTokens;
use crate::protocol::who::Stamp;
use crate::protocol::{Frame, v1};

/// The first frames of a socket, and the cursor at which its stream begins.
#[derive(Debug)]
pub(in crate::actors) struct Greeting {
    pub(in crate::actors) frames: Vec<Frame>,
    pub(in crate::actors) epoch: Epoch,
    pub(in crate::actors) since: Seq,
    /// Its place among all openings on PostgreSQL.
    pub(in crate::actors) stamp: Option<Stamp>,
}

/// One socket's place in the order.
#[derive(Debug)]
pub(in crate::actors) struct Stream {
    viewer: Viewer,
    tokens: Arc<ReportTokens>,
    limit: SeamLimit,
    /// Everything up to here was queued for the socket.
    position: Seq,
    last_ordinal: u64,
    /// Commands of this socket without a reply yet, by their number.
    unanswered: BTreeSet<u64>,
    behind: Option<Behind>,
}

impl Stream {
    /// Makes the stream of a socket that has been sent nothing yet.
    pub(in crate::actors) fn new(viewer: Viewer, limit: SeamLimit, tokens: Arc<ReportTokens>) -> Self {
        let behind = Some(Behind::new(limit));
        Self { viewer, tokens, limit, position: Seq(0), last_ordinal: 0, unanswered: BTreeSet::new(), behind }
    }

    /// Starts the stream after `since`, in the store's history `epoch`.
    pub(in crate::actors) fn begin(&mut self, epoch: Epoch, since: Seq) {
        self.position = since;
        if let Some(behind) = &mut self.behind {
            behind.epoch = Some(epoch);
        }
    }

    /// The user who is shown the stream.
    pub(in crate::actors) fn viewer(&self) -> Viewer {
        self.viewer
    }

    /// Whether the socket has caught up.
    pub(in crate::actors) fn is_live(&self) -> bool {
        self.behind.is_none()
    }

    /// Whether a command of the socket has no reply yet.
    pub(in crate::actors) fn waits_for_answers(&self) -> bool {
        !self.unanswered.is_empty()
    }

    /// Returns the number of the socket's next command.
    pub(in crate::actors) fn number_command(&mut self) -> u64 {
        self.last_ordinal += 1;
        self.unanswered.insert(self.last_ordinal);
        self.last_ordinal
    }

    /// Falls back to the store, which knows events that were not announced. Returns the position to read from when the
    /// socket was live, and `None` when a replay is running already.
    pub(in crate::actors) fn fall_behind(&mut self) -> Option<Seq> {
        if let Some(behind) = &mut self.behind {
            behind.overflow();
            return None;
        }
        self.behind = Some(Behind::new(self.limit));
        Some(self.position)
    }

    /// Takes an event and the reply that takes its place, and returns the frames that may be sent now.
    pub(in crate::actors) fn event(&mut self, event: &Arc<Event>, reply: Option<Reply>) -> Vec<QueuedFrame> {
        if let Some(reply) = &reply {
            self.unanswered.remove(&reply.origin.ordinal);
        }
        let Some(behind) = &mut self.behind else { return self.live(event, reply).into_iter().collect() };
        if let Some(reply) = reply {
            behind.held.insert(event.seq, reply);
        }
        if event.seq > self.position {
            behind.join(event);
        }
        self.release_page()
    }

    /// Takes an event while the stream is live.
    fn live(&mut self, event: &Event, reply: Option<Reply>) -> Option<QueuedFrame> {
        if event.seq <= self.position {
            // It was sent from the store already.
            return reply.and_then(|reply| repeated(self.viewer, reply));
        }
        self.position = event.seq;
        Some(self.frame(event, reply))
    }

    /// Takes a reply without an event of its own, and returns the frames that may be sent now.
    pub(in crate::actors) fn answer(&mut self, reply: Reply) -> Vec<QueuedFrame> {
        self.unanswered.remove(&reply.origin.ordinal);
        let Reply { origin, answer } = reply;
        let mut frames = Vec::new();
        if let Some(frame) = v1::answer(&answer, self.viewer, origin.context.reference.as_ref()) {
            frames.push(answered(frame, origin));
        }
        frames.extend(self.release_page());
        frames
    }

    /// Returns whether commands of the socket wait for the writer.
    pub(in crate::actors) fn waits_for_writer(&self) -> bool {
        !self.unanswered.is_empty()
    }

    /// Takes the refusal of a command, and returns the frames that may be sent after it.
    pub(in crate::actors) fn refused(&mut self, ordinal: u64) -> Vec<QueuedFrame> {
        self.unanswered.remove(&ordinal);
        self.release_page()
    }

    /// Takes the next page from the store, and returns the frames that may be sent now.
    pub(in crate::actors) fn page(&mut self, page: PageInHand) -> Vec<QueuedFrame> {
        if let Some(behind) = &mut self.behind {
            behind.page = Some((self.last_ordinal, page));
        }
        self.release_page()
    }

    /// Returns the frames of the waiting page, if all commands before it have their replies.
    fn release_page(&mut self) -> Vec<QueuedFrame> {
        let Some(behind) = &mut self.behind else { return Vec::new() };
        let unanswered = self.unanswered.first().copied();
        let Some((_, page)) = behind.page.take_if(|(up_to, _)| unanswered.is_none_or(|first| first > *up_to)) else {
            return Vec::new();
        };
        let PageInHand { page, permit, admission: _until_here } = page;
        let mut frames = Vec::new();
        for event in page.events {
            if event.seq > self.position {
                frames.extend(self.overdue_replies(event.seq));
                self.position = event.seq;
                let reply = self.behind.as_mut().and_then(|behind| behind.held.remove(&event.seq));
                frames.push(self.frame(&event, reply));
            }
        }
        self.position = self.position.max(page.up_to);
        frames.extend(self.overdue_replies(Seq(self.position.0 + 1)));
        if page.is_last {
            frames.extend(self.close_seam());
        }
        // The next page is read once this one is written.
        match frames.last_mut() {
            Some(last) => last.page_permit = Some(permit),
            None => drop(permit),
        }
        frames
    }

    /// Returns the replies whose event is gone from the store and had its place before `seq`.
    fn overdue_replies(&mut self, seq: Seq) -> Vec<QueuedFrame> {
        let Some(behind) = &mut self.behind else { return Vec::new() };
        let rest = behind.held.split_off(&seq);
        let viewer = self.viewer;
        std::mem::replace(&mut behind.held, rest).into_values().filter_map(|reply| repeated(viewer, reply)).collect()
    }

    /// Ends the replay after the last page: returns the seam and makes the socket live, or lets the replay go on
    /// when the seam has overflowed.
    fn close_seam(&mut self) -> Vec<QueuedFrame> {
        let Some(mut behind) = self.behind.take_if(|behind| !behind.overflowed) else {
            if let Some(behind) = &mut self.behind {
                behind.overflowed = false;
            }
            return Vec::new();
        };
        let mut frames = Vec::new();
        for event in std::mem::take(&mut behind.seam) {
            let reply = behind.held.remove(&event.seq);
            if event.seq > self.position {
                self.position = event.seq;
                frames.push(self.frame(&event, reply));
            } else {
                frames.extend(reply.and_then(|reply| repeated(self.viewer, reply)));
            }
        }
        frames.extend(behind.held.into_values().filter_map(|reply| repeated(self.viewer, reply)));
        if let Some(epoch) = behind.epoch {
            frames.push(v1::live(&Cursor { epoch, seq: self.position }).into());
        }
        frames
    }

    fn frame(&self, event: &Event, reply: Option<Reply>) -> QueuedFrame {
        let Some(Reply { origin, answer }) = reply else { return v1::event(event, self.viewer, &self.tokens).into() };
        match v1::answer(&answer, self.viewer, origin.context.reference.as_ref()) {
            Some(frame) => answered(frame, origin),
            None => v1::event(event, self.viewer, &self.tokens).into(),
        }
    }
}

/// Returns the frame of a reply whose event was sent already, or is gone from the store.
fn repeated(viewer: Viewer, reply: Reply) -> Option<QueuedFrame> {
    let Reply { origin, mut answer } = reply;
    match &mut answer {
        Answer::Stored(stored) => stored.duplicate = true,
        Answer::Read { duplicate, .. } | Answer::Deleted { duplicate, .. } => *duplicate = true,
        Answer::NothingRead { .. }
        | Answer::KeySet { .. }
        | Answer::Configured(_)
        | Answer::LoginsEnded { .. }
        | Answer::LoginBegun(_)
        | Answer::AccountControlled { .. }
        | Answer::AddressRule(_)
        | Answer::TargetRegistered(_)
        | Answer::Done => {}
    }
    v1::answer(&answer, viewer, origin.context.reference.as_ref()).map(|frame| answered(frame, origin))
}

fn answered(frame: Frame, origin: Origin) -> QueuedFrame {
    QueuedFrame { credit: Some(origin.credit), ..QueuedFrame::from(frame) }
}

#[cfg(test)]
mod tests;
