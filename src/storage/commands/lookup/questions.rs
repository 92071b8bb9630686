//! Questions to the store, all in one statement.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::domain::{ClientId, ConversationId, DirectKey, MessageId, UserId};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::row::{Columns as _, columns};

/// A message by its client id and sender.
pub(in crate::storage::commands) const BY_CLIENT_ID: i32 = 1;
/// The conversation with a direct key, and whether one of the two has blocked the other.
pub(in crate::storage::commands) const CONVERSATION: i32 = 2;
/// Of a conversation: one of the two has blocked the other.
pub(in crate::storage::commands) const BLOCKED: i64 = 1;
/// Of a conversation: its first side has written to the second.
pub(in crate::storage::commands) const FIRST_WROTE: i64 = 2;
/// Of a conversation: its second side has written to the first.
pub(in crate::storage::commands) const SECOND_WROTE: i64 = 4;
/// A user.
pub(in crate::storage::commands) const USER: i32 = 3;
/// A message by its id.
const BY_ID: i32 = 4;
/// The number that changes with all that is cached.
pub(in crate::storage::commands) const RULES: i32 = 5;

columns! {
    /// An answer: the columns of a message `m` that was asked by its client id. Other answers have as many.
    pub(in crate::storage::commands) struct FoundColumns {
        question: i32 = "1",
        /// A message, a direct key, or the rules.
        id: i64 = "m.id",
        /// The conversation; 0 when there is none.
        conversation_id: ConversationId = "m.conversation_id",
        user: UserId = "m.sender_id",
        /// A time stamp, the bits of a conversation, or whether a user shows what was read.
        number: i64 = "m.timestamp",
        /// A client id, or a public key.
        text: String = "m.client_id",
        content_hash: Option<Vec<u8>> = "m.content_hash",
    }
}

/// Answers questions. Each row of `v` is one: of what kind, a number, two users, and a client id.
pub(in crate::storage) static LOOK_UP: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH {{rows}} SELECT {} FROM v JOIN messages AS m ON m.client_id = v.column5 AND m.sender_id = v.column3 \
         WHERE v.column1 = {BY_CLIENT_ID} \
         UNION ALL SELECT v.column1, v.column2, COALESCE(c.id, 0), 0, CASE WHEN EXISTS (SELECT 1 FROM blocks AS b \
         WHERE (b.user_id = v.column3 AND b.other_id = v.column4) \
         OR (b.user_id = v.column4 AND b.other_id = v.column3)) THEN {BLOCKED} ELSE 0 END \
         + CASE WHEN EXISTS (SELECT 1 FROM members AS m WHERE m.user_id = v.column4 AND m.conversation_id = c.id \
         AND m.newest_inbound IS NOT NULL) THEN {FIRST_WROTE} ELSE 0 END \
         + CASE WHEN EXISTS (SELECT 1 FROM members AS m WHERE m.user_id = v.column3 AND m.conversation_id = c.id \
         AND m.newest_inbound IS NOT NULL) THEN {SECOND_WROTE} ELSE 0 END, '', NULL \
         FROM v LEFT JOIN conversations AS c ON c.direct_key = v.column2 WHERE v.column1 = {CONVERSATION} \
         UNION ALL SELECT v.column1, 0, 0, u.id, CASE WHEN u.read_receipts THEN 1 ELSE 0 END, u.public_key, NULL \
         FROM v JOIN users AS u ON u.id = v.column3 WHERE v.column1 = {USER} \
         UNION ALL SELECT v.column1, m.id, m.conversation_id, 0, 0, '', NULL \
         FROM v JOIN messages AS m ON m.id = v.column2 WHERE v.column1 = {BY_ID} \
         UNION ALL SELECT v.column1, s.rules, 0, 0, 0, '', NULL \
         FROM v JOIN store AS s ON s.id = 1 WHERE v.column1 = {RULES}",
        FoundColumns::select()
    )
});

/// What a batch asks.
#[derive(Default)]
pub(in crate::storage::commands) struct Questions {
    pub(super) conversations: BTreeSet<DirectKey>,
    pub(super) users: BTreeSet<UserId>,
    pub(super) client_ids: Vec<(UserId, ClientId)>,
    pub(super) messages: BTreeSet<MessageId>,
    /// Whether the rules under which the answers hold are asked, too.
    pub(super) with_rules: bool,
}

impl Questions {
    /// Asks for messages by their client ids and senders.
    pub(in crate::storage::commands) fn of_client_ids(client_ids: Vec<(UserId, ClientId)>) -> Self {
        Self { client_ids, ..Self::default() }
    }

    pub(in crate::storage::commands) fn rows(&self) -> Bulk<'_, 5> {
        let row = |what, number: i64, a: UserId, b: UserId, text| {
            [Cell::Int(what), Cell::BigInt(number), Cell::Int(a.0), Cell::Int(b.0), Cell::Text(text)]
        };
        let nobody = UserId(0);
        let names = self.client_ids.iter();
        let names = names.map(|(sender, name)| row(BY_CLIENT_ID, 0, *sender, nobody, name.as_str()));
        let conversations = self.conversations.iter().map(|direct| {
            let [a, b] = direct.sides();
            row(CONVERSATION, direct.get(), a, b, "")
        });
        let users = self.users.iter().map(|user| row(USER, 0, *user, nobody, ""));
        let messages = self.messages.iter().map(|id| row(BY_ID, id.0, nobody, nobody, ""));
        let rules = self.with_rules.then(|| row(RULES, 0, nobody, nobody, ""));
        Bulk::new(names.chain(conversations).chain(users).chain(messages).chain(rules))
    }
}
