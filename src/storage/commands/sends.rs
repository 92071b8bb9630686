//! Storage of new messages, each once.

pub(in crate::storage) mod idempotency;
mod postgres;
mod replies;
mod sqlite;

use crate::domain::{
    Answer, Audience, ClientId, ConversationId, Draft, EventBody, Message, MessageId, Objection, Outcome, Refusal,
    Stored, UserId,
};
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Place, to};
use crate::storage::engine::tx::Transaction;
use crate::storage::schema::numbers::id_at;
use replies::Originals;

/// A message that was admitted and is to be stored.
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
        let mut known = self.known(self.doubtful(&drafts)).await?;
        let originals = self.originals(&drafts).await?;
        let mut accepted = Vec::with_capacity(drafts.len());
        for (place, draft) in drafts {
            if let Some(outcome) = draft.once.as_ref().and_then(|once| known.retried(draft.sender, once)) {
                self.finish(place, outcome);
                continue;
            }
            match self.admit(&draft, &originals).await? {
                Ok((conversation_id, receiver)) => {
                    let content_hash = draft.once.as_ref().map(|once| once.content_hash);
                    let message = self.message(place, draft, receiver, conversation_id);
                    let accepted_one = Accepted { place, message, content_hash };
                    known.first(&accepted_one);
                    accepted.push(accepted_one);
                }
                Err(refusal) => self.finish(place, Outcome::refused(refusal)),
            }
        }
        self.store(accepted).await
    }

    async fn store(&mut self, mut accepted: Vec<Accepted>) -> Result<(), StorageError> {
        if accepted.is_empty() {
            return Ok(());
        }
        let inserted = match &self.tx {
            Transaction::Sqlite(tx) => sqlite::insert_messages(tx, &accepted)?,
            Transaction::Postgres(tx) => postgres::insert(tx, &accepted).await?,
        };
        if usize::try_from(inserted).is_ok_and(|inserted| inserted < accepted.len()) {
            let tried: Vec<MessageId> = accepted.iter().map(|accepted| accepted.message.id).collect();
            accepted = self.new_ones(accepted).await?;
            if let Transaction::Postgres(tx) = &self.tx {
                postgres::delete_bodies_of_retries(tx, &tried, &accepted).await?;
            }
        }
        if let Transaction::Sqlite(tx) = &self.tx {
            sqlite::insert_beside(tx, &accepted)?;
        }
        for accepted in accepted {
            let place = accepted.place;
            self.finish(place, outcome(accepted));
        }
        Ok(())
    }

    /// Decides whether the draft may be stored, and returns its conversation and receiver.
    async fn admit(
        &mut self,
        draft: &Draft,
        originals: &Originals,
    ) -> Result<Result<(ConversationId, UserId), Refusal>, StorageError> {
        match draft.objection {
            Some(Objection::TooLarge { limit }) => return Ok(Err(Refusal::TooLarge { limit })),
            Some(Objection::UnknownAttachment) => return Ok(Err(Refusal::NotFound)),
            None => {}
        }
        let Some(direct) = draft.conversation else { return Ok(Err(Refusal::UnknownUser)) };
        let receiver = direct.partner_of(draft.sender);
        let mut conversation = self.conversation(direct).await?;
        if conversation.is_none() && self.user(receiver).await?.is_none() {
            return Ok(Err(Refusal::UnknownUser));
        }
        let is_blocked = match conversation {
            Some(known) => known.is_blocked,
            None => self.is_blocked(direct).await?,
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
        if !originals.has(draft.reply_to, conversation.map(|found| found.id)) {
            return Ok(Err(Refusal::NotFound));
        }
        if conversation.is_none() {
            if self.user(draft.sender).await?.is_none() {
                // The account was deleted while this was on its way.
                return Ok(Err(Refusal::Forbidden));
            }
            conversation = Some(self.make_conversation(direct).await?);
        }
        Ok(conversation.map(|found| (found.id, receiver)).ok_or(Refusal::UnknownUser))
    }

    fn message(&self, place: Place, draft: Draft, receiver: UserId, conversation_id: ConversationId) -> Message {
        let (seq, timestamp) = (self.seq(place), self.time(place));
        // A message to oneself has one copy.
        let is_self_chat = draft.sender == receiver;
        Message {
            id: id_at(seq),
            seq,
            conversation_id,
            sender: draft.sender,
            receiver,
            sender_copy: draft.sender_copy.into_string(),
            receiver_copy: if is_self_chat { String::new() } else { draft.receiver_copy.into_string() },
            message_type: draft.message_type.as_str().to_owned(),
            timestamp,
            client_id: draft.once.map(|once| once.client_id.as_str().to_owned()),
            reply_to: draft.reply_to,
            expires_at: draft.expires_in_s.map(|seconds| self.moment(place).plus_secs(seconds)),
        }
    }
}

fn outcome(Accepted { message, .. }: Accepted) -> Outcome {
    let answer = Ok(Answer::Stored(stored(&message, false)));
    let (members, seq) = (Audience::Members(message.conversation()), message.seq);
    Outcome { answer, events: to(members, seq, EventBody::Message(message)) }
}

fn stored(message: &Message, duplicate: bool) -> Stored {
    Stored {
        client_id: message.client_id.as_deref().and_then(ClientId::parse),
        conversation_id: message.conversation_id,
        id: message.id,
        seq: message.seq,
        timestamp: message.timestamp,
        duplicate,
    }
}
