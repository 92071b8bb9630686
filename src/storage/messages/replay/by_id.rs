//! The messages of a plan, read by their numbers.

use std::collections::HashMap;

use sea_orm::{DatabaseBackend, Value};

use crate::domain::{ConversationId, Deletion, EventBody, Message, MessageId, Scope, Seq, Timestamp, UserId, Viewer};
use crate::storage::engine::fixed_joins::{from_rows, join};
use crate::storage::engine::json_rows::Query;
use crate::storage::engine::row::{Columns as _, Row, columns};
use crate::storage::messages::select::{COLUMNS, SHOWN_TO_READER, Selected, messages};
use crate::storage::schema::kinds::EventKind;
use crate::storage::{Storage, StorageError};

/// Messages read in one statement, when they are big and when they are small: statements of these sizes stay prepared.
pub(super) const SIZES: [usize; 3] = [8, 16, 64];

/// Returns the query for the messages `$3` and so on, `size` of them, which are found by nothing but their numbers.
pub(in crate::storage) fn by_id_query(backend: DatabaseBackend, size: usize) -> Query {
    let sql = format!(
        "SELECT {} {} {} WHERE m.gone_seq IS NULL AND {}",
        *COLUMNS,
        from_rows(backend, "messages", "m", &one_of(3, size)),
        join(backend, "bodies", "t", "t.id = m.id"),
        *SHOWN_TO_READER,
    );
    messages(sql, 0)
}

columns! {
    /// The two sides of a message.
    pub(super) struct SidesColumns {
        id: MessageId = "m.id",
        conversation_id: ConversationId = "m.conversation_id",
        sender: UserId = "m.sender_id",
        receiver: UserId = "m.receiver_id",
    }
}

/// Returns a query for the sides of the messages `$2` and so on, `size` of them; only those of conversations that are
/// still there.
pub(in crate::storage) fn deleted_query(backend: DatabaseBackend, size: usize) -> Query {
    let sql = format!(
        "SELECT {} {} {}",
        SidesColumns::select(),
        from_rows(backend, "messages", "m", &one_of(2, size)),
        join(backend, "members", "mine", "mine.user_id = $1 AND mine.conversation_id = m.conversation_id"),
    );
    Query { sql, columns: SidesColumns::FIELDS.len(), ciphertexts: None }
}

fn one_of(first: usize, size: usize) -> String {
    let places: Vec<String> = (first..first + size).map(|i| format!("${i}")).collect();
    format!("m.id IN ({})", places.join(", "))
}

/// Returns the ids, filled up with the last one to one of [`SIZES`]: a constant text stays prepared.
fn padded(ids: &[MessageId]) -> impl ExactSizeIterator<Item = Value> {
    let size = SIZES.into_iter().find(|size| ids.len() <= *size).unwrap_or(ids.len());
    (0..size).map(|i| ids.get(i).or(ids.last()).map(|id| id.0).into())
}

impl Storage {
    pub(super) async fn messages_by_id(
        &self,
        viewer: Viewer,
        ids: &[MessageId],
        now: Timestamp,
    ) -> Result<HashMap<MessageId, Message>, StorageError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let ids = padded(ids);
        let query = by_id_query(self.backend(), ids.len());
        let rows =
            self.read_rows(&query, [viewer.user.0.into(), now.as_micros().into()].into_iter().chain(ids)).await?;
        let message = |row: Row| {
            let message = row.read::<Selected>()?.of(viewer);
            Ok((message.id, message))
        };
        rows.into_iter().map(message).collect()
    }

    pub(super) async fn deleted_by_id(
        &self,
        viewer: Viewer,
        ids: &[MessageId],
    ) -> Result<HashMap<MessageId, SidesColumns>, StorageError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let ids = padded(ids);
        let query = deleted_query(self.backend(), ids.len());
        let rows = self.read_rows(&query, [viewer.user.0.into()].into_iter().chain(ids)).await?;
        let sides = |row: Row| row.read::<SidesColumns>().map(|sides| (sides.id, sides));
        rows.into_iter().map(sides).collect()
    }
}

impl SidesColumns {
    /// Returns the deletion of the message, as `viewer` is told of it.
    pub(super) fn deletion(&self, viewer: Viewer, seq: Seq, id: MessageId, kind: EventKind) -> EventBody {
        let Self { conversation_id, sender, receiver, .. } = *self;
        let (scope, by) = match kind {
            EventKind::DeletedForMe => (Scope::Me, Some(viewer.user)),
            EventKind::Expired => (Scope::Everyone, None),
            _ => (Scope::Everyone, Some(sender)),
        };
        EventBody::Deleted(Deletion { seq, id, conversation_id, sender, receiver, scope, by })
    }
}
