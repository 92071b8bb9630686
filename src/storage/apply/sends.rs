//! Storing messages, each once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sea_orm::ConnectionTrait as _;

use super::{Batch, Place};
use crate::domain::{
    Answer, Audience, ClientId, ConversationId, Draft, Event, EventBody, Message, MessageId, Objection, Once, Outcome,
    Refusal, Stored, Timestamp, UserId,
};
use crate::storage::StorageError;
use crate::storage::list::{Column, List};

const KNOWN: &str = "SELECT m.client_id, m.sender_id, m.content_hash, m.id, m.conversation_id, m.timestamp \
     FROM {rows} JOIN messages AS m ON m.client_id = v.column1 AND m.sender_id = v.column2";

const INSERT_MESSAGES: &str = "INSERT INTO messages \
     (id, conversation_id, sender_id, receiver_id, message_type, timestamp, client_id, content_hash, reply_to, expires_at) \
     SELECT v.column1, v.column2, v.column3, v.column4, v.column5, v.column6, NULLIF(v.column7, ''), \
     CASE WHEN length(v.column8) > 0 THEN v.column8 END, NULLIF(v.column9, 0), NULLIF(v.column10, 0) \
     FROM {rows} WHERE v.column1 IS NOT NULL";

const INSERT_BODIES: &str = "INSERT INTO bodies (id, sender_copy, receiver_copy) \
     SELECT v.column1, v.column2, v.column3 FROM {rows} WHERE v.column1 IS NOT NULL";

const SET_NEWEST: &str =
    "UPDATE conversations SET newest_message_id = v.column2 FROM {rows} WHERE conversations.id = v.column1";

const COUNT_UNREAD: &str = "UPDATE members SET unread = unread + v.column3, newest_inbound = v.column4 FROM {rows} \
     WHERE members.user_id = v.column1 AND members.conversation_id = v.column2";

/// What a sender has used a client id for.
#[derive(Clone)]
struct Known {
    stored: Stored,
    content_hash: Vec<u8>,
}

/// Drafts by the names their senders gave them.
type ByName = HashMap<(UserId, ClientId), Known>;

/// A message that is to be stored.
struct Accepted {
    place: Place,
    message: Message,
    content_hash: Option<[u8; 32]>,
}

impl Batch<'_> {
    pub(super) async fn sends(&mut self, drafts: Vec<(Place, Draft)>) -> Result<(), StorageError> {
        if drafts.is_empty() {
            return Ok(());
        }
        let mut known = self.known(&drafts).await?;
        let mut accepted = Vec::with_capacity(drafts.len());
        for (place, draft) in drafts {
            if let Some(outcome) = draft.once.as_ref().and_then(|once| retried(&known, draft.sender, once)) {
                self.finish(place, outcome);
                continue;
            }
            match self.admit(&draft).await? {
                Ok((conversation_id, receiver)) => {
                    let once = draft.once.clone();
                    let message = self.message(place, draft, receiver, conversation_id);
                    if let Some(once) = &once {
                        let first = Known { stored: stored(&message, true), content_hash: once.content_hash.to_vec() };
                        known.insert((message.sender, once.client_id.clone()), first);
                    }
                    accepted.push(Accepted { place, message, content_hash: once.map(|once| once.content_hash) });
                }
                Err(refusal) => self.finish(place, Outcome::refused(refusal)),
            }
        }
        self.insert(&accepted).await?;
        self.set_newest(&accepted).await?;
        self.count_unread(&accepted).await?;
        for Accepted { place, message, .. } in accepted {
            let answer = Ok(Answer::Stored(stored(&message, false)));
            let (sender, receiver) = (message.sender, message.receiver);
            let event = Arc::new(Event { seq: message.id.seq(), body: EventBody::Message(message) });
            let mut events = vec![(Audience::User(sender), event.clone())];
            if receiver != sender {
                events.push((Audience::User(receiver), event));
            }
            self.finish(place, Outcome { answer, events });
        }
        Ok(())
    }

    /// What the senders have used these client ids for.
    async fn known(&self, drafts: &[(Place, Draft)]) -> Result<ByName, StorageError> {
        let names = drafts.iter().filter_map(|(_, draft)| {
            let once = draft.once.as_ref()?;
            Some([once.client_id.as_str().into(), draft.sender.0.into()])
        });
        let names = List::new([Column::Text, Column::Int], names);
        let mut known = HashMap::new();
        for statement in names.statements(self.storage.backend(), KNOWN) {
            for row in self.tx.query_all_raw(statement).await? {
                let client_id: String = row.try_get_by_index(0)?;
                let client_id = ClientId::parse(&client_id).ok_or(StorageError::Corrupt("a client id"))?;
                let stored = Stored {
                    client_id: Some(client_id.clone()),
                    conversation_id: ConversationId(row.try_get_by_index(4)?),
                    id: MessageId(row.try_get_by_index(3)?),
                    timestamp: Timestamp::from_micros(row.try_get_by_index(5)?),
                    duplicate: true,
                };
                let content_hash: Option<Vec<u8>> = row.try_get_by_index(2)?;
                let first = Known { stored, content_hash: content_hash.unwrap_or_default() };
                known.insert((UserId(row.try_get_by_index(1)?), client_id), first);
            }
        }
        Ok(known)
    }

    /// Whether the draft may be stored, and where.
    async fn admit(&mut self, draft: &Draft) -> Result<Result<(ConversationId, UserId), Refusal>, StorageError> {
        match draft.objection {
            Some(Objection::TooLarge { limit }) => return Ok(Err(Refusal::TooLarge { limit })),
            Some(Objection::UnknownAttachment) => return Ok(Err(Refusal::NotFound)),
            None => {}
        }
        let Some(receiver) = draft.receiver else { return Ok(Err(Refusal::UnknownUser)) };
        let mut conversation = self.conversation(draft.sender, receiver).await?;
        if conversation.is_none() && self.user(receiver).await?.is_none() {
            return Ok(Err(Refusal::UnknownUser));
        }
        let is_blocked = match conversation {
            Some(known) => known.is_blocked,
            None => self.is_blocked(draft.sender, receiver).await?,
        };
        if is_blocked {
            return Ok(Err(Refusal::Blocked));
        }
        if let Some(key_id) = &draft.receiver_key_id {
            let present = self.user(receiver).await?.map(|user| user.key_id).unwrap_or_default();
            if *key_id != present {
                return Ok(Err(Refusal::StaleKey { key_id: present }));
            }
        }
        if conversation.is_none() {
            if self.user(draft.sender).await?.is_none() {
                // The account was deleted while this was on its way.
                return Ok(Err(Refusal::Forbidden));
            }
            conversation = Some(self.make_conversation(draft.sender, receiver).await?);
        }
        Ok(conversation.map(|found| (found.id, receiver)).ok_or(Refusal::UnknownUser))
    }

    fn message(&self, place: Place, draft: Draft, receiver: UserId, conversation_id: ConversationId) -> Message {
        let timestamp = self.time(place);
        // A message to oneself has one copy.
        let is_note = draft.sender == receiver;
        Message {
            id: MessageId(self.seq(place).0),
            conversation_id,
            sender: draft.sender,
            receiver,
            sender_copy: draft.sender_copy.into_string(),
            receiver_copy: if is_note { String::new() } else { draft.receiver_copy.into_string() },
            message_type: draft.message_type.as_str().to_owned(),
            timestamp,
            client_id: draft.once.map(|once| once.client_id.as_str().to_owned()),
            reply_to: draft.reply_to,
            expires_at: draft.expires_in_s.map(|seconds| timestamp.plus_secs(seconds)),
        }
    }

    async fn insert(&self, accepted: &[Accepted]) -> Result<(), StorageError> {
        use Column::{BigInt, Bytes, Int, Text};
        let rows = accepted.iter().map(|Accepted { message: m, content_hash, .. }| {
            [
                m.id.0.into(),
                m.conversation_id.0.into(),
                m.sender.0.into(),
                m.receiver.0.into(),
                m.message_type.as_str().into(),
                m.timestamp.as_micros().into(),
                m.client_id.as_deref().unwrap_or_default().into(),
                content_hash.as_ref().map_or(Vec::new(), |hash| hash.to_vec()).into(),
                m.reply_to.map_or(0, |id| id.0).into(),
                m.expires_at.map_or(0, Timestamp::as_micros).into(),
            ]
        });
        let columns = [BigInt, BigInt, Int, Int, Text, BigInt, Text, Bytes, BigInt, BigInt];
        self.execute_with(INSERT_MESSAGES, List::new(columns, rows)).await?;
        let bodies = accepted.iter().map(|Accepted { message: m, .. }| {
            [m.id.0.into(), m.sender_copy.as_bytes().into(), m.receiver_copy.as_bytes().into()]
        });
        self.execute_with(INSERT_BODIES, List::new([BigInt, Bytes, Bytes], bodies)).await
    }

    /// Points each conversation at its newest message of this batch.
    async fn set_newest(&self, accepted: &[Accepted]) -> Result<(), StorageError> {
        // Later messages overwrite earlier ones of the same conversation. In the order of the table, page by page.
        let newest: BTreeMap<ConversationId, MessageId> =
            accepted.iter().map(|a| (a.message.conversation_id, a.message.id)).collect();
        let rows = newest.into_iter().map(|(conversation, id)| [conversation.0.into(), id.0.into()]);
        self.execute_with(SET_NEWEST, List::new([Column::BigInt; 2], rows)).await
    }

    /// Counts for each receiver what is new to them.
    async fn count_unread(&self, accepted: &[Accepted]) -> Result<(), StorageError> {
        let mut unread: BTreeMap<(UserId, ConversationId), (i64, MessageId)> = BTreeMap::new();
        for message in accepted.iter().map(|a| &a.message).filter(|m| m.sender != m.receiver) {
            let (count, newest) = unread.entry((message.receiver, message.conversation_id)).or_insert((0, message.id));
            *count += 1;
            *newest = message.id;
        }
        let rows = unread.into_iter().map(|((user, conversation), (count, newest))| {
            [user.0.into(), conversation.0.into(), count.into(), newest.0.into()]
        });
        let columns = [Column::Int, Column::BigInt, Column::BigInt, Column::BigInt];
        self.execute_with(COUNT_UNREAD, List::new(columns, rows)).await
    }
}

/// What a retry is told; `None` when it is no retry.
fn retried(known: &ByName, sender: UserId, once: &Once) -> Option<Outcome> {
    let first = known.get(&(sender, once.client_id.clone()))?;
    Some(if first.content_hash == once.content_hash {
        Outcome::done(Answer::Stored(first.stored.clone()))
    } else {
        let (id, timestamp) = (first.stored.id, first.stored.timestamp);
        Outcome::refused(Refusal::Conflict { id, timestamp })
    })
}

fn stored(message: &Message, duplicate: bool) -> Stored {
    Stored {
        client_id: message.client_id.as_deref().and_then(ClientId::parse),
        conversation_id: message.conversation_id,
        id: message.id,
        timestamp: message.timestamp,
        duplicate,
    }
}
