//! What a device has missed, page by page.
//!
//! A [`Replay`] plans ahead: it finds the next few hundred events of a user in all places where they are kept, by their numbers
//! alone as far as these are messages, and then reads the messages of one page at a time. One statement makes a plan, so it is
//! a snapshot: whatever was committed up to the store's head at that moment is in it.

pub(in crate::storage) mod plan;

use std::collections::{HashMap, VecDeque};

use sea_orm::{ConnectionTrait as _, DatabaseBackend, Value};

use plan::{PlanRow, Planned};

use crate::domain::{
    ConversationId, Cursor, Deletion, Epoch, Event, EventBody, Message, MessageId, Position, ResetReason, Scope, Seq,
    Since, Timestamp, UserId,
};
use crate::storage::engine::fixed_joins::{from_rows, join};
use crate::storage::engine::json_rows::{ListRow, Query};
use crate::storage::engine::page::STEP_BYTES;
use crate::storage::messages::select::{COLUMNS, VISIBLE, message, messages};
use crate::storage::schema::kinds::EventKind;
use crate::storage::{Storage, StorageError};

/// Events of one plan: some 100 bytes each, for every socket that catches up.
const PLAN: i64 = 500;
/// Numbers that the first plan covers. A window that holds little is doubled, so that the work is that of the events and of
/// the conversations that have moved, however far behind a device is.
const WINDOW: i64 = 1024;
/// The widest window: all that is in a store.
const WIDEST: i64 = 1 << 53;
/// Messages read in one statement, when they are big and when they are small: statements of these sizes stay prepared.
const SIZES: [usize; 3] = [8, 16, 64];
/// Messages read in the first statement, of which nobody knows yet how big they are: what a phone has missed in a few hours.
const FIRST: usize = 16;

/// Messages `$3` and so on, `size` of them, that are found by nothing but their numbers.
pub(in crate::storage) fn by_id_query(backend: DatabaseBackend, size: usize) -> Query {
    let sql = format!(
        "SELECT {COLUMNS} {} {} WHERE m.gone_seq IS NULL AND {VISIBLE}",
        from_rows(backend, "messages", "m", &one_of(3, size)),
        join(backend, "bodies", "t", "t.id = m.id"),
    );
    messages(sql, 0)
}

/// Between whom the messages `$2` and so on are, `size` of them; only those of conversations that are still there.
pub(in crate::storage) fn deleted_query(backend: DatabaseBackend, size: usize) -> Query {
    let sql = format!(
        "SELECT m.id, m.conversation_id, m.sender_id, m.receiver_id {} {}",
        from_rows(backend, "messages", "m", &one_of(2, size)),
        join(backend, "members", "mine", "mine.user_id = $1 AND mine.conversation_id = m.conversation_id"),
    );
    Query { sql, columns: 4, ciphertexts: None }
}

fn one_of(first: usize, size: usize) -> String {
    let places: Vec<String> = (first..first + size).map(|i| format!("${i}")).collect();
    format!("m.id IN ({})", places.join(", "))
}

/// Filled up with the last one to one of [`SIZES`]: a constant text stays prepared.
fn padded(ids: &[MessageId]) -> impl ExactSizeIterator<Item = Value> {
    let size = SIZES.into_iter().find(|size| ids.len() <= *size).unwrap_or(ids.len());
    (0..size).map(|i| ids.get(i).or(ids.last()).map(|id| id.0).into())
}

/// How much of a replay to read at once.
#[derive(Clone, Copy, Debug)]
pub struct PageLimit {
    /// At most so many events.
    pub events: usize,
    /// At most so many bytes of copies, but at least one message.
    pub bytes: usize,
}

/// A part of what was missed.
#[derive(Debug)]
pub struct Page {
    /// In the order of `seq`.
    pub events: Vec<Event>,
    /// With these, everything up to here is told.
    pub up_to: Seq,
    /// Whether that was the head of the store when it was looked up.
    pub is_last: bool,
}

/// A user's events after some number, in order.
#[derive(Debug)]
pub struct Replay {
    user: UserId,
    up_to: Seq,
    planned: VecDeque<Planned>,
    /// Numbers that the next plan covers.
    window: i64,
    /// Messages that the next statement reads.
    step: usize,
    /// With all that is planned, everything up to here is told.
    planned_up_to: Seq,
    /// Whether that is the head of the store.
    is_last: bool,
}

impl Replay {
    /// The events of `user` after `since`.
    #[must_use]
    pub fn new(user: UserId, since: Seq) -> Self {
        Self {
            user,
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
}

impl Storage {
    /// Opens the stream of `user` after `since`; at the newest event without one, or when it cannot be honoured.
    pub async fn open_replay(&self, user: UserId, since: Option<&Since>) -> Result<OpenedReplay, StorageError> {
        let position = self.position().await?;
        let honoured = since.map_or_else(|| Ok(position.newest()), |since| position.honours(since));
        let (cursor, reset) = match honoured {
            Ok(cursor) => (cursor, None),
            Err(reason) => (position.newest(), Some(reason)),
        };
        let replay = Replay::new(user, cursor.seq);
        Ok(OpenedReplay { cursor, reset, replay })
    }

    /// Where the store stands.
    pub async fn position(&self) -> Result<Position, StorageError> {
        let sql = "SELECT epoch, head, dropped FROM store WHERE id = 1";
        let row = self.reads.query_one_raw(self.statement(sql, [])).await?;
        let row = row.ok_or(StorageError::Corrupt("the store row is missing"))?;
        let epoch: String = row.try_get_by_index(0)?;
        Ok(Position {
            epoch: Epoch::parse(&epoch).ok_or(StorageError::Corrupt("the epoch"))?,
            head: Seq(row.try_get_by_index(1)?),
            dropped: Seq(row.try_get_by_index(2)?),
        })
    }

    /// The next page. What was deleted or has expired since its event is left out. After an error the same page is read again.
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
                // Half of the readers: the others are for everybody else. Nobody closes the semaphore.
                let _turn = self.replays.acquire().await;
                self.plan(replay).await?;
            }
            while page.events.len() < limit.events && !room.is_full && !replay.planned.is_empty() {
                if room.taken >= STEP_BYTES {
                    steps.next().await?;
                }
                let _turn = self.replays.acquire().await;
                let step = replay.step.min(limit.events - page.events.len());
                let some: Vec<Planned> = replay.planned.drain(..step.min(replay.planned.len())).collect();
                let rest = self.fill(&mut page, &mut room, replay.user, some, now).await?;
                for planned in rest.into_iter().rev() {
                    replay.planned.push_front(planned);
                }
                // As many as make a page, if the next ones are as big.
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
        let values = [replay.user.0.into(), replay.up_to.0.into(), PLAN.into(), until.into()];
        (replay.planned_up_to, replay.is_last) = (Seq(until), false);
        for row in self.read_rows(&query, values).await? {
            match plan::read(row, replay.user)? {
                PlanRow::Planned(planned) => replay.planned.push_back(planned),
                PlanRow::Head(head) => (replay.planned_up_to, replay.is_last) = (head, true),
            }
        }
        let count = i64::try_from(replay.planned.len()).unwrap_or(i64::MAX);
        if count == PLAN {
            // There may be more in the window.
            replay.planned_up_to = replay.planned.back().map_or(replay.planned_up_to, Planned::seq);
            replay.window = (replay.window / 2).max(WINDOW);
        } else if count < PLAN / 2 {
            replay.window = replay.window.saturating_mul(2).min(WIDEST);
        }
        Ok(())
    }

    /// Adds what is planned to the page, as far as it is still there, until there is no room; answers the rest.
    async fn fill(
        &self,
        page: &mut Page,
        room: &mut Room,
        user: UserId,
        planned: Vec<Planned>,
        now: Timestamp,
    ) -> Result<Vec<Planned>, StorageError> {
        let ids = planned.iter().filter_map(|p| if let Planned::Message(id) = p { Some(*id) } else { None });
        let mut messages = self.messages_by_id(user, &ids.collect::<Vec<_>>(), now).await?;
        let ids = planned.iter().filter_map(|p| if let Planned::Deleted { id, .. } = p { Some(*id) } else { None });
        let deleted = self.deleted_by_id(user, &ids.collect::<Vec<_>>()).await?;
        let mut planned = planned.into_iter();
        while let Some(item) = planned.as_slice().first() {
            let event = match item {
                Planned::Message(id) => {
                    let bytes = messages.get(id).map_or(0, |message| message.content_for(user).len());
                    if !room.take(bytes) {
                        break;
                    }
                    let message = messages.remove(id);
                    message.map(|message| Event { seq: id.seq(), body: EventBody::Message(message) })
                }
                Planned::Deleted { seq, id, kind } => {
                    deleted.get(id).map(|sides| Event { seq: *seq, body: sides.deletion(user, *seq, *id, *kind) })
                }
                Planned::Ready(event) => Some(event.clone()),
            };
            page.up_to = item.seq();
            page.events.extend(event);
            planned.next();
        }
        Ok(planned.collect())
    }

    async fn messages_by_id(
        &self,
        user: UserId,
        ids: &[MessageId],
        now: Timestamp,
    ) -> Result<HashMap<MessageId, Message>, StorageError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let ids = padded(ids);
        let query = by_id_query(self.backend(), ids.len());
        let rows = self.read_rows(&query, [user.0.into(), now.as_micros().into()].into_iter().chain(ids)).await?;
        rows.into_iter().map(|mut row| message(&mut row, user).map(|message| (message.id, message))).collect()
    }

    async fn deleted_by_id(&self, user: UserId, ids: &[MessageId]) -> Result<HashMap<MessageId, Sides>, StorageError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let ids = padded(ids);
        let query = deleted_query(self.backend(), ids.len());
        let rows = self.read_rows(&query, [user.0.into()].into_iter().chain(ids)).await?;
        let sides = |mut row: ListRow| {
            let conversation_id = ConversationId(row.take(1)?);
            let (sender, receiver) = (UserId(row.take(2)?), UserId(row.take(3)?));
            Ok((MessageId(row.take(0)?), Sides { conversation_id, sender, receiver }))
        };
        rows.into_iter().map(sides).collect()
    }
}

/// What a page may still hold.
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

/// Between whom a message was.
struct Sides {
    conversation_id: ConversationId,
    sender: UserId,
    receiver: UserId,
}

impl Sides {
    /// Its deletion, as `user` is told.
    fn deletion(&self, user: UserId, seq: Seq, id: MessageId, kind: EventKind) -> EventBody {
        let Self { conversation_id, sender, receiver } = *self;
        let (scope, by) = match kind {
            EventKind::DeletedForMe => (Scope::Me, Some(user)),
            EventKind::Expired => (Scope::Everyone, None),
            _ => (Scope::Everyone, Some(sender)),
        };
        EventBody::Deleted(Deletion { seq, id, conversation_id, sender, receiver, scope, by })
    }
}

#[cfg(test)]
mod tests;
