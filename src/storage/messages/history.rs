//! History: a conversation page by page, and the chat list. Only the reader's own copies are loaded, and what is
//! gone for the reader is left out.

use sea_orm::DatabaseBackend;

use crate::domain::{ChatListEntry, DirectKey, Message, MessageId, Timestamp, UserId, Viewer};
use crate::storage::engine::fixed_joins::join;
use crate::storage::engine::json_rows::Query;
use crate::storage::engine::page::{Filling, bind, fits, summed};
use crate::storage::engine::row::{Columns as _, FromRow, Row};
use crate::storage::engine::tx::Tx as _;
use crate::storage::messages::select::{
    COLUMNS, KEPT_BY_READER, Selected, UNEXPIRED, USER_SIZE, messages, newest_of, newest_visible, size_of,
};
use crate::storage::people::users::UserColumns;
use crate::storage::{Storage, StorageError};

/// Most conversations of a chat list.
const MAX_CONVERSATIONS: u64 = 1000;

/// Returns the query for one page of a conversation, newest first. Which messages, and how many of them fit, is decided
/// by their sizes, before any is read. The reader must be a member.
pub(in crate::storage) fn history_query(backend: DatabaseBackend) -> Query {
    let join = |table, alias, on| join(backend, table, alias, on);
    let columns = "m.id AS id, m.timestamp AS timestamp, m.sender_id AS sender_id";
    let conditions = format!("m.conversation_id = $3 AND m.timestamp < $4 AND {UNEXPIRED}");
    let sized = format!(
        "SELECT chosen.id AS id, chosen.timestamp AS timestamp, {} AS size FROM ({}) AS chosen {}",
        size_of("chosen"),
        newest_of(&KEPT_BY_READER, columns, &conditions, "$5 + 0"),
        join("bodies", "t", "t.id = chosen.id"),
    );
    let sql = format!(
        "SELECT {} FROM {} {} {} WHERE {} ORDER BY page.timestamp DESC LIMIT $5 + 0",
        *COLUMNS,
        summed(&sized, "timestamp", "$5 + 0", "page"),
        join("messages", "m", "m.id = page.id"),
        join("bodies", "t", "t.id = m.id"),
        fits("page"),
    );
    messages(sql, 0)
}

/// Returns the query for a user's conversations with one partner each, newest first, with their newest message and the
/// partner. The conversations are chosen before any message is read, and each table is reached by a key: the cost grows
/// with the user's conversations, not with the store.
pub(in crate::storage) fn chat_list_query(backend: DatabaseBackend) -> Query {
    let join = |table, alias, on| join(backend, table, alias, on);
    let newest = format!("m.id = {}", newest_visible());
    let sized = format!(
        "SELECT m.id AS id, u.id AS partner, {} + {USER_SIZE} AS size \
         FROM (SELECT c.id AS id, c.newest_message_id AS newest_message_id FROM members AS mine {} \
         WHERE mine.user_id = $1 AND c.newest_message_id IS NOT NULL \
         ORDER BY c.newest_message_id DESC LIMIT $3 + 0) AS c {} {} {} WHERE m.id < $4",
        size_of("m"),
        join("conversations", "c", "c.id = mine.conversation_id"),
        join("messages", "m", &newest),
        // The sign keeps SQLite from looking for the newest message once more, to which both are equal.
        join("bodies", "t", "t.id = +m.id"),
        join("users", "u", "u.id = CASE WHEN m.sender_id = $1 THEN m.receiver_id ELSE m.sender_id END"),
    );
    let sql = format!(
        "SELECT {}, {} FROM {} {} {} {} \
         WHERE {} ORDER BY page.id DESC LIMIT $3 + 0",
        *COLUMNS,
        UserColumns::select(),
        summed(&sized, "id", "$3 + 0", "page"),
        join("messages", "m", "m.id = page.id"),
        join("bodies", "t", "t.id = m.id"),
        join("users", "u", "u.id = page.partner"),
        fits("page"),
    );
    messages(sql, UserColumns::FIELDS.len())
}

/// Where a page of history ends.
#[derive(Clone, Copy, Debug)]
pub enum Before {
    /// At the newest message.
    Newest,
    /// Before this time.
    Time(Timestamp),
    /// Before this message, whether it still exists or not.
    Id(MessageId),
}

impl Storage {
    /// Returns messages of the conversation with a partner, newest first, at most `limit` and
    /// [`PAGE_BYTES`](crate::storage::PAGE_BYTES), but at least one; only those older than `before`.
    pub async fn history(
        &self,
        viewer: Viewer,
        partner: UserId,
        before: Before,
        limit: u64,
        now: Timestamp,
    ) -> Result<Vec<Message>, StorageError> {
        let Some(conversation) = self.direct_conversation(DirectKey::new(viewer.user, partner)).await? else {
            return Ok(Vec::new());
        };
        let mut before = self.before(before).await?;
        let (query, mut page, mut steps) = (history_query(self.backend()), Filling::new(limit), self.page_steps());
        loop {
            let values =
                [viewer.user.0.into(), now.as_micros().into(), conversation.0.into(), before.into(), bind(page.room())];
            let rows = self.read_rows(&query, values).await?;
            let found: Result<Vec<Message>, StorageError> =
                rows.into_iter().map(|row| Ok(row.read::<Selected>()?.of(viewer))).collect();
            if !page.take(found?, |message| message.content_for(viewer).len()) {
                return Ok(page.items);
            }
            steps.next().await?;
            before = page.items.last().map_or(before, |last| last.timestamp.as_micros());
        }
    }

    /// Returns conversations, the one with the newest message first, at most 1000 and
    /// [`PAGE_BYTES`](crate::storage::PAGE_BYTES), but at least one.
    pub async fn chat_list(&self, viewer: Viewer, now: Timestamp) -> Result<Vec<ChatListEntry>, StorageError> {
        let mut page = Filling::new(MAX_CONVERSATIONS);
        let (mut before, mut steps) = (i64::MAX, self.page_steps());
        while page.take(self.chats(viewer, now, before).await?, |chat| chat.bytes(viewer)) {
            steps.next().await?;
            before = page.items.last().map_or(before, |last| last.newest.id.0);
        }
        if steps.was_one() {
            return Ok(page.items);
        }
        // Chats may have moved to the top meanwhile.
        let top = page.items.first().map(|first| first.newest.id);
        let mut chats = self.chats(viewer, now, i64::MAX).await?;
        chats.retain(|chat| Some(chat.newest.id) > top);
        page.items.retain(|chat| chats.iter().all(|moved| moved.partner.id != chat.partner.id));
        let mut all = Filling::new(MAX_CONVERSATIONS);
        chats.append(&mut page.items);
        all.take(chats, |chat| chat.bytes(viewer));
        Ok(all.items)
    }

    /// Returns the next chats of the list, whose newest message has a number below `before`.
    async fn chats(&self, viewer: Viewer, now: Timestamp, before: i64) -> Result<Vec<ChatListEntry>, StorageError> {
        let values = [viewer.user.0.into(), now.as_micros().into(), bind(MAX_CONVERSATIONS), before.into()];
        let rows = self.read_rows(&chat_list_query(self.backend()), values).await?;
        let entry = |mut row: Row| {
            let next = &mut 0;
            let newest = Selected::from_row(&mut row, next)?.of(viewer);
            Ok(ChatListEntry { partner: UserColumns::from_row(&mut row, next)?.into(), newest })
        };
        rows.into_iter().map(entry).collect()
    }

    /// Returns the end of a page as a time stamp: numbers and time stamps grow together.
    async fn before(&self, before: Before) -> Result<i64, StorageError> {
        match before {
            Before::Newest => Ok(i64::MAX),
            Before::Time(time) => Ok(time.as_micros()),
            Before::Id(id) => {
                let sql = "SELECT timestamp FROM messages WHERE id >= $1 ORDER BY id LIMIT 1";
                let row = self.reads.query_one(self.statement(sql, [id.0.into()])).await?;
                row.map_or(Ok(i64::MAX), |row| row.get(0))
            }
        }
    }
}
