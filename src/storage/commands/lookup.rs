//! What a batch must know before it stores anything, from the cache or from the store: all of it is asked at once.

pub(in crate::storage) mod questions;

use std::collections::{BTreeSet, HashMap};

use crate::domain::{ClientId, ConversationId, DirectKey, Draft, MessageId, User, UserId};
use crate::storage::StorageError;
use crate::storage::commands::batch::Batch;
use crate::storage::commands::cache::{CachedConversation, CachedUser};
use crate::storage::commands::known::Known;
use crate::storage::engine::row::Row;
use crate::storage::engine::tx::Tx as _;

use questions::{
    BLOCKED, BY_CLIENT_ID, CONVERSATION, FIRST_WROTE, FoundColumns, LOOK_UP, Questions, RULES, SECOND_WROTE, USER,
};

const IS_BLOCKED: &str =
    "SELECT 1 FROM blocks WHERE (user_id = $1 AND other_id = $2) OR (user_id = $2 AND other_id = $1) LIMIT 1";

/// What was found beside the conversations and users that are in the cache now.
#[derive(Default)]
pub(super) struct LookedUp {
    /// Conversations that do not exist, unless they are to be made; and whether one of the two has blocked the other.
    pub(super) absent: HashMap<DirectKey, bool>,
    pub(super) known: Known,
    /// The conversations of messages.
    pub(super) originals: HashMap<MessageId, ConversationId>,
    /// Whether nothing was missing from the questions because a stale cache had it.
    is_whole: bool,
}

impl LookedUp {
    /// Returns whether a draft in this conversation may reply to this message, gone or not; a new conversation has
    /// none.
    pub(super) fn may_reply_to(&self, reply_to: Option<MessageId>, conversation: Option<ConversationId>) -> bool {
        reply_to.is_none_or(|id| conversation.is_some() && self.originals.get(&id).copied() == conversation)
    }
}

/// Returns the client id of a draft, with the sender whose it is.
fn name_of(draft: &Draft) -> Option<(UserId, &ClientId)> {
    Some((draft.sender, &draft.once.as_ref()?.client_id))
}

impl Batch<'_> {
    /// Returns the client ids that must be looked up before anything is stored: those that occur twice, and those of
    /// drafts that may be refused or make a conversation, neither of which a retry does.
    fn doubtful(&self, drafts: &[&Draft]) -> Vec<(UserId, ClientId)> {
        let mut names: Vec<(UserId, &ClientId)> = drafts.iter().filter_map(|draft| name_of(draft)).collect();
        names.sort_unstable();
        let twice = names.windows(2).filter_map(|pair| if let [a, b] = pair { (a == b).then_some(*a) } else { None });
        let twice: Vec<(UserId, &ClientId)> = twice.collect();
        let doubtful = drafts.iter().filter_map(|draft| {
            let name = name_of(draft)?;
            let is_doubtful = twice.binary_search(&name).is_ok() || !self.is_acceptable(draft);
            is_doubtful.then(|| (name.0, name.1.clone()))
        });
        doubtful.collect()
    }

    /// Returns whether the cache shows that the draft can be accepted.
    fn is_acceptable(&self, draft: &Draft) -> bool {
        let names_more = draft.reply_to.is_some() || !draft.attachment_ids.is_empty();
        let is_whole = draft.objection.is_none() && !names_more && !self.room.may_be_short(draft.sender);
        let Some(direct) = draft.conversation.filter(|_| is_whole) else { return false };
        let (conversation, receiver) = (self.cache.conversations.peek(&direct), direct.partner_of(draft.sender));
        let has_present_key = |key: &String| self.cache.users.peek(&receiver).is_some_and(|user| user.key_id == *key);
        conversation.is_some_and(|conversation| !conversation.is_blocked)
            && draft.receiver_key_id.as_ref().is_none_or(has_present_key)
    }

    /// Returns what these drafts, and reads in these conversations, need to know and the cache lacks.
    pub(super) fn questions(&mut self, drafts: &[&Draft], reads: impl IntoIterator<Item = DirectKey>) -> Questions {
        let mut asked = Questions::of_client_ids(self.doubtful(drafts));
        for draft in drafts.iter().filter(|draft| draft.objection.is_none()) {
            let Some(direct) = draft.conversation else { continue };
            if self.conversation(direct).is_none() {
                // It may have to be made.
                asked.conversations.insert(direct);
                asked.users.extend(direct.sides());
            }
            if draft.receiver_key_id.is_some() {
                asked.users.insert(direct.partner_of(draft.sender));
            }
            asked.messages.extend(draft.reply_to);
        }
        for direct in reads {
            if self.conversation(direct).is_none() {
                asked.conversations.insert(direct);
            }
            asked.users.extend(direct.sides());
        }
        asked.users.retain(|user| self.cache.users.get(user).is_none());
        asked
    }

    /// Asks the store. Conversations and users go into the cache.
    pub(super) async fn look_up(&mut self, asked: Questions) -> Result<LookedUp, StorageError> {
        let rows = self.tx.query_each(&LOOK_UP, &asked.rows()).await?;
        self.looked_up(asked.client_ids, rows)
    }

    /// Asks before the batch takes its numbers, so before it makes others wait, on PostgreSQL; `None` when the cache
    /// was stale. The answers hold while the rules stay as they are, but for what other processes store meanwhile:
    /// messages, which are found out as retries when they are inserted, and conversations, which are then not made
    /// again. Nobody was told of these when the commands were given.
    pub(super) async fn look_up_early(&mut self, asked: Questions) -> Result<Option<LookedUp>, StorageError> {
        if asked.rows().rows().is_empty() {
            return Ok(Some(LookedUp::default()));
        }
        let found = self.look_up(Questions { with_rules: true, ..asked }).await?;
        Ok(Some(found).filter(|found| found.is_whole))
    }

    /// Reads answers, those about `client_ids` among them.
    pub(super) fn looked_up(
        &mut self,
        client_ids: Vec<(UserId, ClientId)>,
        rows: Vec<Row>,
    ) -> Result<LookedUp, StorageError> {
        let mut found = LookedUp { known: Known::of(client_ids), is_whole: true, ..LookedUp::default() };
        let rows = rows.into_iter().map(Row::read).collect::<Result<Vec<FoundColumns>, _>>()?;
        if let Some(rules) = rows.iter().find(|row| row.question == RULES) {
            found.is_whole = self.cache.check(rules.id);
        }
        for row in rows {
            match row.question {
                BY_CLIENT_ID => found.known.add(row)?,
                CONVERSATION => {
                    let (direct, is_blocked) = (DirectKey::from_stored(row.id), row.number & BLOCKED != 0);
                    if row.conversation_id.0 == 0 {
                        found.absent.insert(direct, is_blocked);
                    } else {
                        let has_written = [row.number & FIRST_WROTE != 0, row.number & SECOND_WROTE != 0];
                        let conversation = CachedConversation { id: row.conversation_id, is_blocked, has_written };
                        self.cache.conversations.put(direct, conversation);
                    }
                }
                USER => {
                    let user = User { id: row.user, name: String::new(), public_key: row.text };
                    let cached = CachedUser { key_id: user.key_id(), read_receipts: row.number != 0 };
                    self.cache.users.put(user.id, cached);
                }
                RULES => {}
                _ => {
                    found.originals.insert(MessageId(row.id), row.conversation_id);
                }
            }
        }
        Ok(found)
    }

    /// Returns the conversation that a command names, if it exists and was looked up.
    pub(super) fn conversation(&mut self, direct: DirectKey) -> Option<CachedConversation> {
        self.cache.conversations.get(&direct).copied()
    }

    /// Returns a user who exists and was looked up.
    pub(super) fn user(&mut self, id: UserId) -> Option<CachedUser> {
        self.cache.users.get(&id).cloned()
    }

    /// Looks up a user; `None` when there is no such user.
    pub(super) async fn find_user(&mut self, id: UserId) -> Result<Option<CachedUser>, StorageError> {
        if self.cache.users.peek(&id).is_none() {
            self.look_up(Questions { users: BTreeSet::from([id]), ..Questions::default() }).await?;
        }
        Ok(self.user(id))
    }

    /// Returns whether one of the two has blocked the other.
    pub(super) async fn is_blocked(&self, key: DirectKey) -> Result<bool, StorageError> {
        let [a, b] = key.sides();
        let statement = self.statement(IS_BLOCKED, [a.0.into(), b.0.into()]);
        Ok(self.tx.query_one(statement).await?.is_some())
    }
}
