//! Deletion of messages: for one side, for both, or because their time is over. The ciphertext is overwritten; the row
//! stays as a tombstone, so that a retry still finds it.

use std::sync::LazyLock;

use crate::domain::{
    Answer, Audience, ConversationId, Deletion, Event, EventBody, MessageId, Outcome, Refusal, Scope, Seq, Timestamp,
    UserId,
};
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Place, to};
use crate::storage::engine::erase::{Side, erase};
use crate::storage::engine::row::{Columns as _, columns};
use crate::storage::engine::tx::Tx as _;
use crate::storage::schema::kinds::{EventKind, GoneHow};

/// The time, in seconds, for which a sender may delete a message for everyone.
const EVERYONE_WITHIN_S: i64 = 24 * 60 * 60;

const GONE_FOR_BOTH: &str = "UPDATE messages SET gone_seq = $2, gone_how = $3, expires_at = NULL, \
     sender_gone = CASE WHEN $4 = 1 OR sender_gone IS NULL THEN $2 ELSE sender_gone END, \
     receiver_gone = CASE WHEN $4 = 1 OR receiver_gone IS NULL THEN $2 ELSE receiver_gone END WHERE id = $1";
static GONE_FOR_SENDER: LazyLock<String> = LazyLock::new(|| gone_for_one("sender_gone", "receiver_gone"));
static GONE_FOR_RECEIVER: LazyLock<String> = LazyLock::new(|| gone_for_one("receiver_gone", "sender_gone"));

/// Returns the statement by which one side loses the message `$1`; it is gone when the other side has lost it before.
fn gone_for_one(mine: &str, theirs: &str) -> String {
    format!(
        "UPDATE messages SET {mine} = $2, gone_seq = CASE WHEN {theirs} IS NULL THEN NULL ELSE $2 END, \
         expires_at = CASE WHEN {theirs} IS NULL THEN expires_at END WHERE id = $1"
    )
}

/// The message `$3` of the conversation `$2` no longer counts as unread to the user `$1`.
pub(in crate::storage) const UNREAD_LESS: &str = "UPDATE members SET unread = unread - 1 WHERE user_id = $1 \
     AND conversation_id = $2 \
     AND read_id < $3 AND unread > 0";

/// Stands for all users in the table of events.
const EVERYBODY: UserId = UserId(0);

const RETAIN: &str = "UPDATE store SET retained_from = $1 WHERE id = 1 AND retained_from < $1";

columns! {
    /// A message as a deletion sees it.
    struct Target {
        id: MessageId = "m.id",
        conversation_id: ConversationId = "m.conversation_id",
        sender: UserId = "m.sender_id",
        receiver: UserId = "m.receiver_id",
        timestamp: Timestamp = "m.timestamp",
        expires_at: Option<Timestamp> = "m.expires_at",
        sender_gone: Option<Seq> = "m.sender_gone",
        receiver_gone: Option<Seq> = "m.receiver_gone",
        gone_seq: Option<Seq> = "m.gone_seq",
        gone_how: GoneHow = "m.gone_how",
    }
}

impl Target {
    fn gone_for(&self, user: UserId) -> Option<Seq> {
        if user == self.sender { self.sender_gone } else { self.receiver_gone }
    }

    fn deletion(&self, seq: Seq, scope: Scope, by: Option<UserId>) -> Deletion {
        let Self { id, conversation_id, sender, receiver, .. } = *self;
        Deletion { seq, id, conversation_id, sender, receiver, scope, by }
    }

    /// Returns the deletion by which `user` has lost the message.
    fn standing(&self, user: UserId) -> Option<Deletion> {
        let seq = self.gone_for(user)?;
        let for_all = self.gone_seq == Some(seq);
        Some(match self.gone_how {
            GoneHow::ForEveryone if for_all => self.deletion(seq, Scope::Everyone, Some(self.sender)),
            GoneHow::Expired if for_all => self.deletion(seq, Scope::Everyone, None),
            _ => self.deletion(seq, Scope::Me, Some(user)),
        })
    }

    fn sides(&self) -> impl Iterator<Item = UserId> {
        [self.sender, self.receiver].into_iter()
    }
}

impl Batch<'_> {
    pub(super) async fn delete(
        &mut self,
        place: Place,
        user: UserId,
        id: MessageId,
        scope: Scope,
    ) -> Result<Outcome, StorageError> {
        let target = self.target(id).await?.filter(|target| target.sides().any(|side| side == user));
        let Some(target) = target.filter(|target| !target.gone_how.is_unknown_to_clients()) else {
            return Ok(Outcome::refused(Refusal::NotFound));
        };
        if scope == Scope::Everyone && user != target.sender {
            return Ok(Outcome::refused(Refusal::Forbidden));
        }
        let standing = target.standing(user).filter(|standing| scope == Scope::Me || standing.scope == scope);
        if let Some(deletion) = standing {
            return Ok(Outcome::done(Answer::Deleted { deletion, duplicate: true }));
        }
        if scope == Scope::Everyone {
            let until = self.stored_at(target.timestamp).await?.plus_secs(EVERYONE_WITHIN_S);
            if self.moment(place) > until {
                return Ok(Outcome::refused(Refusal::Forbidden));
            }
        }

        let seq = self.seq(place);
        let deletion = target.deletion(seq, scope, Some(user));
        let told = match scope {
            Scope::Everyone => {
                self.gone_for_both(&target, seq, GoneHow::ForEveryone, true).await?;
                Audience::Members(deletion.conversation())
            }
            Scope::Me if target.sender == target.receiver => {
                self.gone_for_both(&target, seq, GoneHow::Apart, true).await?;
                Audience::User(user)
            }
            Scope::Me => {
                let (sql, side) = if user == target.sender {
                    (&GONE_FOR_SENDER, Side::Sender)
                } else {
                    (&GONE_FOR_RECEIVER, Side::Receiver)
                };
                self.execute(sql.as_str(), [id.0.into(), seq.0.into()]).await?;
                self.destroy(id, side).await?;
                Audience::User(user)
            }
        };
        if told.includes(target.receiver) {
            self.unread_less(&target).await?;
        }
        let kind = if scope == Scope::Me { EventKind::DeletedForMe } else { EventKind::DeletedForAll };
        let answer = Ok(Answer::Deleted { deletion: deletion.clone(), duplicate: false });
        let events = self.publish(told, seq, kind, id.0, "", EventBody::Deleted(deletion)).await?;
        Ok(Outcome { answer, events })
    }

    /// Expires a message. A side that has deleted it already is not told again.
    pub(super) async fn expire(&mut self, place: Place, id: MessageId) -> Result<Outcome, StorageError> {
        let seq = self.seq(place);
        let target = self.target(id).await?.filter(|t| t.gone_seq.is_none() && t.expires_at.is_some());
        let Some(target) = target else {
            // It is gone already, by retention or with an account.
            self.execute("UPDATE messages SET expires_at = NULL WHERE id = $1", [id.0.into()]).await?;
            self.changed = true;
            return Ok(Outcome::done(Answer::Done));
        };
        let deletion = target.deletion(seq, Scope::Everyone, None);
        let told = match (target.sender_gone, target.receiver_gone) {
            (None, None) => Audience::Members(deletion.conversation()),
            (None, Some(_)) => Audience::User(target.sender),
            (Some(_), _) => Audience::User(target.receiver),
        };
        self.gone_for_both(&target, seq, GoneHow::Expired, false).await?;
        if target.receiver_gone.is_none() {
            self.unread_less(&target).await?;
        }
        let events = self.publish(told, seq, EventKind::Expired, id.0, "", EventBody::Deleted(deletion)).await?;
        Ok(Outcome { answer: Ok(Answer::Done), events })
    }

    /// Hides all messages from before `before` from now on; the rows are destroyed afterwards, a few at a time.
    pub(super) async fn retain(&mut self, place: Place, before: Timestamp) -> Result<Outcome, StorageError> {
        if before <= self.retained_from {
            return Ok(Outcome::done(Answer::Done));
        }
        self.retained_from = before;
        self.execute(RETAIN, [before.as_micros().into()]).await?;
        let seq = self.seq(place);
        let sweep = "INSERT INTO sweeps (seq, before) VALUES ($1, $2)";
        self.execute(sweep, [seq.0.into(), before.as_micros().into()]).await?;
        let body = EventBody::DeletedBefore(before);
        let (kind, subject) = (EventKind::DeletedBefore, before.as_micros());
        let events = self.publish(Audience::All, seq, kind, subject, "", body).await?;
        Ok(Outcome { answer: Ok(Answer::Done), events })
    }

    /// Records an event for an audience, and returns it.
    pub(super) async fn publish(
        &self,
        audience: Audience,
        seq: Seq,
        kind: EventKind,
        subject: i64,
        detail: &str,
        body: EventBody,
    ) -> Result<Vec<(Audience, std::sync::Arc<Event>)>, StorageError> {
        match audience {
            Audience::User(user) => self.record_event(user, seq, kind, subject, detail).await?,
            Audience::Members(conversation) => {
                for user in conversation.members() {
                    self.record_event(user, seq, kind, subject, detail).await?;
                }
            }
            Audience::All => self.record_event(EVERYBODY, seq, kind, subject, detail).await?,
        }
        Ok(to(audience, seq, body))
    }

    async fn record_event(
        &self,
        user: UserId,
        seq: Seq,
        kind: EventKind,
        subject: i64,
        detail: &str,
    ) -> Result<(), StorageError> {
        let sql = "INSERT INTO events (user_id, seq, kind, subject, detail) VALUES ($1, $2, $3, $4, $5)";
        let values = [user.0.into(), seq.0.into(), kind.stored().into(), subject.into(), detail.into()];
        self.execute(sql, values).await?;
        Ok(())
    }

    async fn gone_for_both(&mut self, target: &Target, seq: Seq, how: GoneHow, anew: bool) -> Result<(), StorageError> {
        let values = [target.id.0.into(), seq.0.into(), how.stored().into(), i32::from(anew).into()];
        self.execute(GONE_FOR_BOTH, values).await?;
        self.destroy(target.id, Side::Both).await
    }

    async fn destroy(&mut self, id: MessageId, side: Side) -> Result<(), StorageError> {
        self.execute(erase(self.storage.backend(), side), [id.0.into()]).await?;
        self.destroyed = true;
        Ok(())
    }

    /// Takes a message that was deleted before it was read from the receiver's unread ones.
    async fn unread_less(&self, target: &Target) -> Result<(), StorageError> {
        if target.receiver_gone.is_none() && target.receiver != target.sender {
            let values = [target.receiver.0.into(), target.conversation_id.0.into(), target.id.0.into()];
            self.execute(UNREAD_LESS, values).await?;
        }
        Ok(())
    }

    async fn target(&self, id: MessageId) -> Result<Option<Target>, StorageError> {
        // A message is found only while its conversation is there.
        let sql = format!(
            "SELECT {} FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id WHERE m.id = $1",
            Target::select()
        );
        let Some(row) = self.tx.query_one(self.statement(sql, [id.0.into()])).await? else { return Ok(None) };
        let target: Target = row.read()?;
        Ok(Some(target).filter(|target| target.timestamp >= self.retained_from))
    }
}
