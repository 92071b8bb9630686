//! Storage of new messages, each once.

mod conversations;
pub(in crate::storage) mod debts;
mod idempotency;
mod limits;
pub(in crate::storage::commands) mod postgres;
mod quiet;
mod quota;
mod sqlite;

use crate::domain::{
    Answer, Attachment, Audience, ClientId, ConversationId, DirectKey, Draft, EventBody, Message, Objection, Outcome,
    Refusal, Stored, Urgency,
};
use crate::storage::StorageError;
use crate::storage::commands::attachments::UsableFiles;
use crate::storage::commands::batch::{Batch, Place, Targets, to};
use crate::storage::commands::known::{First, Known};
use crate::storage::commands::lookup::LookedUp;
use crate::storage::commands::lookup::questions::Questions;
use crate::storage::engine::tx::Transaction;
use crate::storage::schema::numbers::id_at;
use idempotency::retried;

/// A message that was admitted and is to be stored.
struct Accepted {
    place: Place,
    message: Message,
    content_hash: Option<[u8; 32]>,
    urgency: Urgency,
}

impl Accepted {
    fn messages(all: &[Self]) -> Vec<(&Message, Urgency)> {
        all.iter().map(|accepted| (&accepted.message, accepted.urgency)).collect()
    }
}

/// A draft that has the client id of an earlier one in its batch.
struct Repeated {
    place: Place,
    first: Place,
    is_same: bool,
}

impl Batch<'_> {
    pub(super) async fn sends(
        &mut self,
        drafts: Vec<(Place, Box<Draft>)>,
        mut looked_up: LookedUp,
    ) -> Result<(), StorageError> {
        if drafts.is_empty() {
            return Ok(());
        }
        let files = self.usable_files(drafts.iter().map(|(_, draft)| &**draft)).await?;
        let (mut admitted, mut repeated) = (Vec::with_capacity(drafts.len()), Vec::new());
        let mut to_make = Vec::new();
        for (place, draft) in drafts {
            match draft.once.as_ref().and_then(|once| Some((once, looked_up.known.first_of(draft.sender, once)?))) {
                Some((once, First::Stored { stored, content_hash })) => {
                    self.finish(place, retried(stored, *content_hash == once.content_hash));
                    continue;
                }
                Some((once, First::InBatch { place: first, content_hash })) => {
                    repeated.push(Repeated { place, first: *first, is_same: *content_hash == once.content_hash });
                    continue;
                }
                None => {}
            }
            match self.admit(&draft, &looked_up, &files) {
                Ok((direct, attachments)) => {
                    if !looked_up.absent.is_empty() && looked_up.absent.remove(&direct).is_some() {
                        to_make.push(direct);
                    }
                    if let Some(once) = &draft.once {
                        looked_up.known.admit(place, draft.sender, once);
                    }
                    admitted.push((place, draft, direct, attachments));
                }
                Err(refusal) => self.finish(place, Outcome::refused(refusal)),
            }
        }
        self.make_conversations(&to_make).await?;
        let mut accepted = Vec::with_capacity(admitted.len());
        for (place, draft, direct, attachments) in admitted {
            let made = self.conversation(direct).ok_or(StorageError::Corrupt("a conversation without an id"))?;
            let content_hash = draft.once.as_ref().map(|once| once.content_hash);
            self.note_written(direct, draft.sender);
            let urgency = draft.urgency;
            let message = Message { attachments, ..self.message(place, *draft, direct, made.id) };
            accepted.push(Accepted { place, message, content_hash, urgency });
        }
        self.store(accepted).await?;
        self.finish_repeated(repeated);
        Ok(())
    }

    async fn store(&mut self, mut accepted: Vec<Accepted>) -> Result<(), StorageError> {
        if accepted.is_empty() {
            return Ok(());
        }
        self.owes |= self.targets == Targets::Woken;
        if self.plain.is_some() {
            self.store_later(accepted);
            return Ok(());
        }
        Box::pin(self.note_quiet(&accepted)).await?;
        if let Some(known) = self.insert(&accepted).await? {
            accepted = self.new_ones(accepted, &known);
        }
        if let Transaction::Sqlite(tx) = &self.tx {
            sqlite::insert_beside(tx, &accepted)?;
            self.owe(tx, &accepted)?;
        }
        if accepted.iter().any(|accepted| !accepted.message.attachments.is_empty()) {
            // Boxed, since it is rare.
            Box::pin(self.attach(accepted.iter().map(|accepted| &accepted.message))).await?;
        }
        for accepted in accepted {
            let place = accepted.place;
            self.finish(place, outcome(accepted));
        }
        Ok(())
    }

    /// Answers messages that are stored with all else of a plain batch.
    fn store_later(&mut self, accepted: Vec<Accepted>) {
        for accepted in accepted {
            let (place, content_hash, urgency) = (accepted.place, accepted.content_hash, accepted.urgency);
            let outcome = outcome(accepted);
            if let Some(plain) = &mut self.plain {
                outcome.events.iter().for_each(|(_, event)| plain.add_message(event.clone(), content_hash, urgency));
            }
            self.finish(place, outcome);
        }
    }

    /// Inserts messages. When some were left out, since they are retries, returns what is known of those.
    async fn insert(&mut self, accepted: &[Accepted]) -> Result<Option<Known>, StorageError> {
        match &self.tx {
            Transaction::Sqlite(tx) => {
                let inserted = sqlite::insert_messages(tx, accepted)?;
                if usize::try_from(inserted).is_ok_and(|inserted| inserted == accepted.len()) {
                    return Ok(None);
                }
                let name = |accepted: &Accepted| {
                    let client_id = accepted.message.client_id.as_deref().and_then(ClientId::parse)?;
                    Some((accepted.message.sender, client_id))
                };
                let client_ids = accepted.iter().filter_map(name).collect();
                Ok(Some(self.look_up(Questions::of_client_ids(client_ids)).await?.known))
            }
            Transaction::Postgres(tx) => {
                let owing = (self.targets == Targets::Woken).then(|| self.owing(&Accepted::messages(accepted)));
                let retries = postgres::insert(tx, accepted, owing.as_deref()).await?;
                let known = if retries.is_empty() { None } else { Some(self.looked_up(Vec::new(), retries)?.known) };
                Ok(known)
            }
        }
    }

    /// Answers drafts that repeat others of the batch, which are stored now.
    fn finish_repeated(&mut self, repeated: Vec<Repeated>) {
        for Repeated { place, first, is_same } in repeated {
            let outcome = match self.outcomes.get(first).and_then(Option::as_ref).map(|first| &first.answer) {
                Some(Ok(Answer::Stored(stored))) => retried(stored, is_same),
                // It was a retry itself, of a message with another content.
                Some(Err(refusal)) => Outcome::refused(refusal.clone()),
                _ => continue,
            };
            self.finish(place, outcome);
        }
    }

    /// Decides whether the draft may be stored, and returns its conversation, which must be made when it is absent, and
    /// its files.
    fn admit(
        &mut self,
        draft: &Draft,
        looked_up: &LookedUp,
        files: &UsableFiles,
    ) -> Result<(DirectKey, Vec<Attachment>), Refusal> {
        match draft.objection {
            Some(Objection::TooLarge { limit }) => return Err(Refusal::TooLarge { limit }),
            Some(Objection::Limited(limited)) => return Err(Refusal::Limited(limited)),
            None => {}
        }
        let attachments = files.named_by(draft)?;
        let direct = draft.conversation.ok_or(Refusal::UnknownUser)?;
        let receiver = direct.partner_of(draft.sender);
        let conversation = self.conversation(direct);
        let absent = looked_up.absent.get(&direct).copied();
        if absent.is_some() && self.user(receiver).is_none() {
            return Err(Refusal::UnknownUser);
        }
        if absent.unwrap_or(conversation.is_some_and(|found| found.is_blocked)) {
            return Err(Refusal::Blocked);
        }
        if let Some(key_id) = &draft.receiver_key_id {
            let present = self.user(receiver).map(|user| user.key_id).unwrap_or_default();
            if *key_id != present {
                return Err(Refusal::StaleKey { key_id: present });
            }
        }
        if !looked_up.may_reply_to(draft.reply_to, conversation.map(|found| found.id)) {
            return Err(Refusal::NotFound);
        }
        if absent.is_some() && self.user(draft.sender).is_none() {
            // The account was deleted while this was on its way.
            return Err(Refusal::Forbidden);
        }
        if self.room.is_used_up(draft.sender) {
            return Err(Refusal::Quota);
        }
        self.limit_send(draft, direct, absent.is_some())?;
        self.room.take(draft.sender);
        Ok((direct, attachments))
    }

    fn message(&self, place: Place, draft: Draft, direct: DirectKey, conversation_id: ConversationId) -> Message {
        let receiver = direct.partner_of(draft.sender);
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
            franking_tag: draft.franking_tag,
            attachments: Vec::new(),
        }
    }
}

fn outcome(Accepted { message, .. }: Accepted) -> Outcome {
    let answer = Ok(Answer::Stored(stored(&message)));
    let (members, seq) = (Audience::Members(message.conversation()), message.seq);
    Outcome { answer, events: to(members, seq, EventBody::Message(message)) }
}

fn stored(message: &Message) -> Stored {
    Stored {
        client_id: message.client_id.as_deref().and_then(ClientId::parse),
        conversation_id: message.conversation_id,
        id: message.id,
        seq: message.seq,
        timestamp: message.timestamp,
        duplicate: false,
    }
}
