//! The events that a device has missed, page by page.
//!
//! A [`Replay`] plans ahead: it finds the next few hundred events of a user in all places where they are kept, by their
//! numbers alone as far as these are messages, and then reads the messages of one page at a time. One statement makes a
//! plan, so it is a snapshot: whatever was committed up to the store's head at that moment is in it.

pub(in crate::storage) mod by_id;
pub(in crate::storage) mod plan;

use std::collections::VecDeque;

use by_id::SIZES;
use plan::{PlanRow, Planned};

use crate::domain::{Cursor, Epoch, Event, EventBody, Position, ResetReason, Seq, Since, Timestamp, Viewer};
use crate::protocol::who::Stamp;
use crate::storage::engine::page::STEP_BYTES;
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

/// Events of one plan: some 100 bytes each, for every socket that catches up.
const PLAN: i64 = 500;
/// Numbers that the first plan covers. A window that holds little is followed by a wider one, so that the work is that
/// of the events and of the conversations that have moved, however far behind a device is.
const WINDOW: i64 = 1024;
/// How much wider at most. On a busy server a phone is some ten thousand numbers behind after seconds, few of which are
/// its own: two or three plans find that.
const WIDER: i64 = 16;
/// The widest window: all that is in a store.
const WIDEST: i64 = 1 << 53;
/// Messages read in the first statement, whose sizes are not known yet: what a phone has missed in a few hours.
const FIRST: usize = 16;

/// The bounds of one page of a replay.
#[derive(Clone, Copy, Debug)]
pub struct PageLimit {
    /// Most events.
    pub events: usize,
    /// Most bytes of copies; but one message at least.
    pub bytes: usize,
}

/// A part of what was missed.
#[derive(Debug)]
pub struct Page {
    /// The events, in the order of `seq`.
    pub events: Vec<Event>,
    /// The place up to which everything is told with these.
    pub up_to: Seq,
    /// Whether that was the head of the store when it was looked up.
    pub is_last: bool,
}

/// A user's events after some number, in order.
#[derive(Debug)]
pub struct Replay {
    viewer: Viewer,
    up_to: Seq,
    planned: VecDeque<Planned>,
    /// How many numbers the next plan covers.
    window: i64,
    /// How many messages the next statement reads.
    step: usize,
    /// The place up to which everything is told with what is planned.
    planned_up_to: Seq,
    /// Whether that is the head of the store.
    is_last: bool,
}

impl Replay {
    /// Begins a replay of the events for `viewer` after `since`.
    #[must_use]
    pub fn new(viewer: Viewer, since: Seq) -> Self {
        Self {
            viewer,
            up_to: since,
            planned: VecDeque::new(),
            window: WINDOW,
            step: FIRST,
            planned_up_to: since,
            is_last: false,
        }
    }
}

/// A user's stream, opened where a device wants to go on.
#[derive(Debug)]
pub struct OpenedReplay {
    /// Where it begins: at the cursor that was given, or at the newest one.
    pub cursor: Cursor,
    /// Why it does not begin at the cursor that was given.
    pub reset: Option<ResetReason>,
    /// The events after it.
    pub replay: Replay,
    /// Its place among all openings on PostgreSQL.
    pub stamp: Option<Stamp>,
}

impl Storage {
    /// Opens the stream for `viewer` after `since`; at the newest event without one, or when it cannot be honoured.
    pub async fn open_replay(&self, viewer: Viewer, since: Option<&Since>) -> Result<OpenedReplay, StorageError> {
        let (position, stamp) = self.position_and_stamp().await?;
        let honoured = since.map_or_else(|| Ok(position.newest()), |since| position.honours(since));
        let (cursor, reset) = match honoured {
            Ok(cursor) => (cursor, None),
            Err(reason) => (position.newest(), Some(reason)),
        };
        let replay = Replay::new(viewer, cursor.seq);
        Ok(OpenedReplay { cursor, reset, replay, stamp })
    }

    /// Returns the position of the store's history and, on PostgreSQL, the next stamp of an opening.
    pub async fn position_and_stamp(&self) -> Result<(Position, Option<Stamp>), StorageError> {
        let sql = if self.has_journal() {
            "SELECT epoch, last_seq, dropped, nextval('stamps') FROM store WHERE id = 1"
        } else {
            "SELECT epoch, last_seq, dropped FROM store WHERE id = 1"
        };
        let row = self.reads.query_one(self.statement(sql, [])).await?;
        let row = row.ok_or(StorageError::Corrupt("the store row is missing"))?;
        let (epoch, head, dropped): (String, Seq, Seq) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let stamp = if self.has_journal() { Some(Stamp(row.get(3)?)) } else { None };
        let epoch = Epoch::parse(&epoch).ok_or(StorageError::Corrupt("the epoch"))?;
        Ok((Position { epoch, head, dropped }, stamp))
    }

    /// Reads the next page. Messages that were deleted or have expired since their event are left out. After an error
    /// the same page is read again.
    pub async fn next_page(&self, replay: &mut Replay, limit: PageLimit, now: Timestamp) -> Result<Page, StorageError> {
        let page = self.read_page(replay, limit, now).await;
        if page.is_err() {
            replay.planned.clear();
        }
        page
    }

    async fn read_page(&self, replay: &mut Replay, limit: PageLimit, now: Timestamp) -> Result<Page, StorageError> {
        let mut page = Page { events: Vec::new(), up_to: replay.up_to, is_last: false };
        let mut room = Room { left: limit.bytes, taken: 0, is_full: false };
        let mut steps = self.page_steps();
        loop {
            if replay.planned.is_empty() {
                // Half of the readers are left for other requests. The semaphore is never closed.
                let _permit = self.replays.acquire().await;
                self.plan(replay).await?;
            }
            while page.events.len() < limit.events && !room.is_full && !replay.planned.is_empty() {
                if room.taken >= STEP_BYTES {
                    steps.next().await?;
                }
                let _permit = self.replays.acquire().await;
                let step = replay.step.min(limit.events - page.events.len());
                let some: Vec<Planned> = replay.planned.drain(..step.min(replay.planned.len())).collect();
                let rest = self.fill(&mut page, &mut room, replay.viewer, some, now).await?;
                for planned in rest.into_iter().rev() {
                    replay.planned.push_front(planned);
                }
                // The next step reads as many as make a page, if they are as big as those so far.
                let [few, .., many] = SIZES;
                replay.step = (limit.bytes / (room.taken / page.events.len().max(1)).max(1)).clamp(few, many);
            }
            if replay.planned.is_empty() {
                page.up_to = replay.planned_up_to;
                page.is_last = replay.is_last;
            }
            replay.up_to = page.up_to;
            // A window without events is no page.
            if page.is_last || !page.events.is_empty() {
                return Ok(page);
            }
        }
    }

    async fn plan(&self, replay: &mut Replay) -> Result<(), StorageError> {
        let query = plan::query(self.backend());
        let until = replay.up_to.0.saturating_add(replay.window).min(WIDEST);
        let values = [replay.viewer.user.0.into(), replay.up_to.0.into(), PLAN.into(), until.into()];
        (replay.planned_up_to, replay.is_last) = (Seq(until), false);
        for row in self.read_rows(&query, values).await? {
            match plan::read(row)? {
                PlanRow::Planned(planned) => replay.planned.push_back(planned),
                PlanRow::Head(head) => (replay.planned_up_to, replay.is_last) = (head, true),
            }
        }
        let count = i64::try_from(replay.planned.len()).unwrap_or(i64::MAX);
        if count == PLAN {
            // There may be more in the window.
            replay.planned_up_to = replay.planned.back().map_or(replay.planned_up_to, Planned::seq);
        }
        replay.window = next_window(replay.window, count);
        Ok(())
    }

    /// Adds what is planned to the page, as far as it is still there, until there is no room; returns the rest.
    async fn fill(
        &self,
        page: &mut Page,
        room: &mut Room,
        viewer: Viewer,
        planned: Vec<Planned>,
        now: Timestamp,
    ) -> Result<Vec<Planned>, StorageError> {
        let ids = planned.iter().filter_map(|p| if let Planned::Message(id) = p { Some(*id) } else { None });
        let mut messages = self.messages_by_id(viewer, &ids.collect::<Vec<_>>(), now).await?;
        let ids = planned.iter().filter_map(|p| if let Planned::Deleted { id, .. } = p { Some(*id) } else { None });
        let deleted = self.deleted_by_id(viewer, &ids.collect::<Vec<_>>()).await?;
        let mut planned = planned.into_iter();
        while let Some(item) = planned.as_slice().first() {
            let event = match item {
                Planned::Message(id) => {
                    let bytes = messages.get(id).map_or(0, |message| message.content_for(viewer).len());
                    if !room.take(bytes) {
                        break;
                    }
                    let message = messages.remove(id);
                    message.map(|message| Event { seq: message.seq, body: EventBody::Message(message) })
                }
                Planned::Deleted { seq, id, kind } => {
                    deleted.get(id).map(|sides| Event { seq: *seq, body: sides.deletion(viewer, *seq, *id, *kind) })
                }
                Planned::Ready(event) => Some(event.clone()),
            };
            page.up_to = item.seq();
            page.events.extend(event);
            planned.next();
        }
        Ok(planned.collect())
    }
}

/// Returns how many numbers the plan after this one covers, by the events that this one has found. If the next numbers
/// hold as much as these, that plan is half full.
fn next_window(window: i64, count: i64) -> i64 {
    if count >= PLAN {
        return (window / 2).max(WINDOW);
    }
    window.saturating_mul((PLAN / 2 / count.max(1)).clamp(1, WIDER)).min(WIDEST)
}

/// The room that is left on a page.
struct Room {
    left: usize,
    taken: usize,
    is_full: bool,
}

impl Room {
    /// Takes room for so many bytes; the first ones always fit.
    fn take(&mut self, bytes: usize) -> bool {
        self.is_full = bytes > self.left && self.taken > 0;
        if !self.is_full {
            self.left = self.left.saturating_sub(bytes);
            self.taken += bytes;
        }
        !self.is_full
    }
}

#[cfg(test)]
mod tests;
