//! The plan of a replay: where the next events are, found by one statement.

use sea_orm::DatabaseBackend;

use crate::domain::{ConversationId, Event, EventBody, MessageId, Receipt, ReceiptKind, Seq, Timestamp, UserId};
use crate::storage::StorageError;
use crate::storage::engine::fixed_joins::{join, left_join};
use crate::storage::engine::json_rows::Query;
use crate::storage::engine::row::{Columns as _, Row, columns};
use crate::storage::messages::select::KeptBy;
use crate::storage::schema::kinds::EventKind;
use crate::storage::schema::numbers::{id_at, seq_of};

/// What a row of a plan stands for, and where it was found. Rows with one number come in the order of these.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The table of events; `kind` is that of the event.
    Events,
    Messages,
    /// How far a side has read.
    Reads,
    /// How far messages have arrived at a side.
    Deliveries,
    /// The head of the store.
    Head,
}

impl Source {
    const ALL: [Self; 5] = [Self::Events, Self::Messages, Self::Reads, Self::Deliveries, Self::Head];

    const fn number(self) -> i32 {
        match self {
            Self::Events => 0,
            Self::Messages => 1,
            Self::Reads => 2,
            Self::Deliveries => 3,
            Self::Head => 4,
        }
    }
}

columns! {
    /// A row of a plan. What has no meaning for its source is 0 or empty.
    struct PlanColumns {
        seq: Seq = "seq",
        source: i32 = "source",
        /// The kind of an event.
        kind: i32 = "kind",
        /// The subject of an event, or the conversation of a receipt.
        subject: i64 = "subject",
        /// How far a receipt goes.
        up_to: MessageId = "up_to",
        /// When a receipt was given.
        at: Timestamp = "at",
        /// The user whose receipt it is.
        user: UserId = "user_id",
        /// The other side of a receipt.
        partner: UserId = "partner_id",
        detail: String = "detail",
    }
}

/// All events after `$2` up to `$4`, in the order of their numbers, at most `$3`.
const EVENTS_AFTER: &str = "SELECT {columns} FROM ( \
     SELECT m.id AS seq, {messages} AS source, 0 AS kind, 0 AS subject, 0 AS up_to, 0 AS at, 0 AS user_id, \
     0 AS partner_id, \
     '' AS detail \
     FROM v {both} WHERE v.newest > $2 \
     UNION ALL SELECT m.id, {messages}, 0, 0, 0, 0, 0, 0, '' FROM v {left} WHERE v.newest > $2 \
     UNION ALL SELECT read_seq, {reads}, 0, id, read_id, read_at, CAST($1 AS INTEGER), other, '' \
     FROM v WHERE read_seq > $2 AND read_seq <= $4 \
     UNION ALL SELECT shown_seq, {reads}, 0, id, shown_id, shown_at, partner, CAST($1 AS INTEGER), '' \
     FROM v WHERE shown_seq > $2 AND shown_seq <= $4 \
     UNION ALL SELECT delivered_seq, {deliveries}, 0, id, delivered_id, delivered_at, partner, CAST($1 AS INTEGER), '' \
     FROM v WHERE delivered_seq > $2 AND delivered_seq <= $4 \
     UNION ALL SELECT e.seq, {events}, e.kind, e.subject, 0, 0, 0, 0, e.detail FROM events AS e \
     WHERE e.user_id = $1 AND e.seq > $2 AND e.seq <= $4 \
     UNION ALL SELECT e.seq, {events}, e.kind, e.subject, 0, 0, 0, 0, e.detail FROM events AS e \
     WHERE e.user_id = 0 AND e.seq > $2 AND e.seq <= $4 \
     UNION ALL SELECT s.last_seq, {head}, 0, 0, 0, 0, 0, 0, '' FROM store AS s WHERE s.id = 1 AND s.last_seq <= $4 \
     ) AS plan ORDER BY seq, source, kind DESC LIMIT $3 + 0";
/// The user's conversations `v`, each looked up once for all that the plan asks of it; those that have not moved are
/// left out.
const MOVED: &str = "SELECT mine.conversation_id AS id, {other} AS other, c.newest_message_id AS newest, \
     mine.read_seq AS read_seq, mine.read_id AS read_id, mine.read_at AS read_at, theirs.user_id AS partner, \
     theirs.shown_seq AS shown_seq, theirs.shown_id AS shown_id, theirs.shown_at AS shown_at, \
     theirs.delivered_seq AS delivered_seq, theirs.delivered_id AS delivered_id, theirs.delivered_at AS delivered_at \
     FROM members AS mine {conversation} {theirs} WHERE mine.user_id = $1 AND (c.newest_message_id > $2 \
     OR mine.read_seq > $2 OR theirs.shown_seq > $2 OR theirs.delivered_seq > $2)";
/// The messages `m` of a conversation `v` after `$2` up to `$4`, by their time stamps: these grow with the numbers.
const MESSAGES: &str = "m.conversation_id = v.id \
     AND m.timestamp > COALESCE((SELECT timestamp FROM messages WHERE id <= $2 ORDER BY id DESC LIMIT 1), -1) \
     AND m.timestamp <= (SELECT timestamp FROM messages WHERE id <= $4 ORDER BY id DESC LIMIT 1)";

/// The other side of a conversation `c` of two users, from its direct key.
pub(in crate::storage) const DIRECT_PARTNER: &str = "CAST(CASE WHEN (c.direct_key >> 32) = $1 \
     THEN c.direct_key & 4294967295 ELSE c.direct_key >> 32 END AS INTEGER)";

pub(in crate::storage) fn query(backend: DatabaseBackend) -> Query {
    let conversation = join(backend, "conversations", "c", "c.id = mine.conversation_id");
    let of_partner =
        format!("theirs.user_id = {DIRECT_PARTNER} AND theirs.conversation_id = c.id AND theirs.user_id <> $1");
    let moved = MOVED
        .replace("{other}", DIRECT_PARTNER)
        .replace("{conversation}", &conversation)
        .replace("{theirs}", &left_join(backend, "members", "theirs", &of_partner));
    let messages = |kept: KeptBy| join(backend, "messages", "m", &format!("{MESSAGES} AND {}", kept.condition()));
    let mut events = EVENTS_AFTER
        .replace("{columns}", &PlanColumns::select())
        .replace("{both}", &messages(KeptBy::Both))
        .replace("{left}", &messages(KeptBy::Only("$1")));
    for (name, source) in [
        ("{events}", Source::Events),
        ("{messages}", Source::Messages),
        ("{reads}", Source::Reads),
        ("{deliveries}", Source::Deliveries),
        ("{head}", Source::Head),
    ] {
        events = events.replace(name, &source.number().to_string());
    }
    let sql = format!("WITH v AS MATERIALIZED ({moved}) {events}");
    Query { sql, columns: PlanColumns::FIELDS.len(), ciphertexts: None }
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a page of them at most; a box would be one more step for each")]
pub(super) enum Planned {
    Message(MessageId),
    Deleted { seq: Seq, id: MessageId, kind: EventKind },
    Ready(Event),
}

impl Planned {
    pub(super) fn seq(&self) -> Seq {
        match self {
            Self::Message(id) => seq_of(*id),
            Self::Deleted { seq, .. } => *seq,
            Self::Ready(event) => event.seq,
        }
    }
}

/// One row of a plan.
#[expect(clippy::large_enum_variant, reason = "a page of them at most; a box would be one more step for each")]
pub(super) enum PlanRow {
    Planned(Planned),
    /// The head of the store, which the plan reaches.
    Head(Seq),
}

/// Reads a row of the plan.
pub(super) fn read(row: Row) -> Result<PlanRow, StorageError> {
    let row: PlanColumns = row.read()?;
    let source = Source::ALL.into_iter().find(|source| source.number() == row.source);
    Ok(PlanRow::Planned(match source.ok_or(StorageError::Corrupt("the source of an event"))? {
        Source::Messages => Planned::Message(id_at(row.seq)),
        Source::Reads => Planned::Ready(receipt(&row, ReceiptKind::Read)),
        Source::Deliveries => Planned::Ready(receipt(&row, ReceiptKind::Delivered)),
        Source::Head => return Ok(PlanRow::Head(row.seq)),
        Source::Events => planned(row)?,
    }))
}

fn receipt(row: &PlanColumns, kind: ReceiptKind) -> Event {
    let PlanColumns { seq, subject, up_to, at: timestamp, user, partner, .. } = *row;
    let conversation_id = ConversationId(subject);
    Event { seq, body: EventBody::Receipt(Receipt { seq, kind, conversation_id, user, partner, up_to, timestamp }) }
}

fn planned(row: PlanColumns) -> Result<Planned, StorageError> {
    let PlanColumns { seq, kind, subject, detail, .. } = row;
    let kind = EventKind::from_stored(kind.into()).ok_or(StorageError::Corrupt("the kind of an event"))?;
    let user = || i32::try_from(subject).map(UserId).map_err(|_| StorageError::Corrupt("the subject of an event"));
    let body = match kind {
        EventKind::DeletedForMe | EventKind::DeletedForAll | EventKind::Expired => {
            return Ok(Planned::Deleted { seq, id: MessageId(subject), kind });
        }
        EventKind::DeletedBefore => EventBody::DeletedBefore(Timestamp::from_micros(subject)),
        EventKind::KeyChanged => EventBody::KeyChanged { user: user()?, key_id: detail },
        EventKind::UserDeleted => EventBody::UserDeleted(user()?),
        EventKind::Blocked => EventBody::Block { user: user()?, blocked: true },
        EventKind::Unblocked => EventBody::Block { user: user()?, blocked: false },
    };
    Ok(Planned::Ready(Event { seq, body }))
}
