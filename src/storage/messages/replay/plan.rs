//! The plan of a replay: where the next events are, found by one statement.

use sea_orm::DatabaseBackend;

use crate::domain::{
    ConversationId, DirectKey, Event, EventBody, MessageId, Receipt, ReceiptKind, Seq, Timestamp, UserId,
};
use crate::storage::StorageError;
use crate::storage::engine::fixed_joins::{join, left_join};
use crate::storage::engine::json_rows::{ListRow, Query};
use crate::storage::messages::select::Had;
use crate::storage::schema::kinds::EventKind;

/// The plan: `seq`, a kind, and three numbers and a text that depend on the kind.
///
/// EventKind 0 is a message, -1 and -2 are receipts, -3 is the head of the store, and others are those of the table of events.
const EVENTS_AFTER: &str = "SELECT seq, kind, a, b, c, detail FROM ( \
     SELECT m.id AS seq, 0 AS kind, 0 AS a, 0 AS b, 0 AS c, '' AS detail FROM v {both} WHERE v.newest > $2 \
     UNION ALL SELECT m.id, 0, 0, 0, 0, '' FROM v {left} WHERE v.newest > $2 \
     UNION ALL SELECT read_seq, -1, id, read_id, read_at, CAST(direct_key AS TEXT) \
     FROM v WHERE read_seq > $2 AND read_seq <= $4 \
     UNION ALL SELECT shown_seq, -1, id, shown_id, shown_at, CAST(partner AS TEXT) || '!' \
     FROM v WHERE shown_seq > $2 AND shown_seq <= $4 \
     UNION ALL SELECT delivered_seq, -2, id, delivered_id, delivered_at, CAST(partner AS TEXT) || '!' \
     FROM v WHERE delivered_seq > $2 AND delivered_seq <= $4 \
     UNION ALL SELECT e.seq, e.kind, e.subject, 0, 0, e.detail FROM events AS e WHERE e.user_id = $1 AND e.seq > $2 AND e.seq <= $4 \
     UNION ALL SELECT e.seq, e.kind, e.subject, 0, 0, e.detail FROM events AS e WHERE e.user_id = 0 AND e.seq > $2 AND e.seq <= $4 \
     UNION ALL SELECT s.head, -3, 0, 0, 0, '' FROM store AS s WHERE s.id = 1 AND s.head <= $4 \
     ) AS plan ORDER BY seq, kind DESC LIMIT $3 + 0";
/// The user's conversations `v`, each looked up once for all that the plan asks of it; those that have not moved are left out.
const MOVED: &str = "SELECT mine.conversation_id AS id, c.direct_key AS direct_key, c.newest_message_id AS newest, \
     mine.read_seq AS read_seq, mine.read_id AS read_id, mine.read_at AS read_at, theirs.user_id AS partner, \
     theirs.shown_seq AS shown_seq, theirs.shown_id AS shown_id, theirs.shown_at AS shown_at, \
     theirs.delivered_seq AS delivered_seq, theirs.delivered_id AS delivered_id, theirs.delivered_at AS delivered_at \
     FROM members AS mine {conversation} {theirs} WHERE mine.user_id = $1 AND (c.newest_message_id > $2 \
     OR mine.read_seq > $2 OR theirs.shown_seq > $2 OR theirs.delivered_seq > $2)";
/// Numbers and time stamps grow together.
const MESSAGES: &str = "m.conversation_id = v.id \
     AND m.timestamp > COALESCE((SELECT timestamp FROM messages WHERE id <= $2 ORDER BY id DESC LIMIT 1), -1) \
     AND m.timestamp <= (SELECT timestamp FROM messages WHERE id <= $4 ORDER BY id DESC LIMIT 1)";

/// The other user id in `c.direct_key`.
pub(in crate::storage) const PARTNER: &str = "CAST(CASE WHEN (c.direct_key >> 32) = $1 THEN c.direct_key & 4294967295 \
     ELSE c.direct_key >> 32 END AS INTEGER)";

pub(in crate::storage) fn query(backend: DatabaseBackend) -> Query {
    let conversation = join(backend, "conversations", "c", "c.id = mine.conversation_id");
    let of_partner = format!("theirs.user_id = {PARTNER} AND theirs.conversation_id = c.id AND theirs.user_id <> $1");
    let moved = MOVED
        .replace("{conversation}", &conversation)
        .replace("{theirs}", &left_join(backend, "members", "theirs", &of_partner));
    let messages = |had: Had| join(backend, "messages", "m", &format!("{MESSAGES} AND {}", had.condition()));
    let events = EVENTS_AFTER.replace("{both}", &messages(Had::ByBoth)).replace("{left}", &messages(Had::By("$1")));
    Query { sql: format!("WITH v AS MATERIALIZED ({moved}) {events}"), columns: 6, ciphertexts: None }
}

#[derive(Debug)]
pub(super) enum Planned {
    Message(MessageId),
    Deleted { seq: Seq, id: MessageId, kind: EventKind },
    Ready(Event),
}

impl Planned {
    pub(super) fn seq(&self) -> Seq {
        match self {
            Self::Message(id) => id.seq(),
            Self::Deleted { seq, .. } => *seq,
            Self::Ready(event) => event.seq,
        }
    }
}

/// One row of a plan.
pub(super) enum PlanRow {
    Planned(Planned),
    /// The head of the store: the plan reaches it.
    Head(Seq),
}

/// Reads a row of the plan for `viewer`.
pub(super) fn read(mut row: ListRow, viewer: UserId) -> Result<PlanRow, StorageError> {
    let (seq, kind): (i64, i64) = (row.take(0)?, i64::from(row.take::<i32>(1)?));
    Ok(PlanRow::Planned(match kind {
        0 => Planned::Message(MessageId(seq)),
        -1 | -2 => Planned::Ready(receipt(&mut row, Seq(seq), kind, viewer)?),
        -3 => return Ok(PlanRow::Head(Seq(seq))),
        _ => planned(&mut row, Seq(seq), kind)?,
    }))
}

/// A receipt out of a plan. Its text is the user who read, with a mark, or for own receipts the conversation's key.
fn receipt(row: &mut ListRow, seq: Seq, kind: i64, viewer: UserId) -> Result<Event, StorageError> {
    const CORRUPT: StorageError = StorageError::Corrupt("a receipt");
    let detail: String = row.take(5)?;
    let (user, partner) = if let Some(user) = detail.strip_suffix('!') {
        (UserId(user.parse().map_err(|_| CORRUPT)?), viewer)
    } else {
        let key = DirectKey::from_stored(detail.parse().map_err(|_| CORRUPT)?);
        (viewer, key.partner_of(viewer))
    };
    let receipt = Receipt {
        seq,
        kind: if kind == -1 { ReceiptKind::Read } else { ReceiptKind::Delivered },
        conversation_id: ConversationId(row.take(2)?),
        user,
        partner,
        up_to: MessageId(row.take(3)?),
        timestamp: Timestamp::from_micros(row.take(4)?),
    };
    Ok(Event { seq, body: EventBody::Receipt(receipt) })
}

fn planned(row: &mut ListRow, seq: Seq, kind: i64) -> Result<Planned, StorageError> {
    let kind = EventKind::from_stored(kind).ok_or(StorageError::Corrupt("the kind of an event"))?;
    let (subject, detail): (i64, String) = (row.take(2)?, row.take(5)?);
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
