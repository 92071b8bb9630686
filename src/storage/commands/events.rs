//! Rows of `events`: what devices must learn besides messages and receipts.

use std::sync::Arc;

use crate::domain::{Audience, Event, EventBody, Seq, UserId};
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, to};
use crate::storage::schema::kinds::EventKind;

/// Stands for all users in the table of events.
const EVERYBODY: UserId = UserId(0);

const RECORD: &str = "INSERT INTO events (user_id, seq, kind, subject, detail) VALUES ($1, $2, $3, $4, $5)";

impl Batch<'_> {
    /// Records an event for an audience, and returns it.
    pub(super) async fn publish(
        &self,
        audience: Audience,
        seq: Seq,
        kind: EventKind,
        subject: i64,
        detail: &str,
        body: EventBody,
    ) -> Result<Vec<(Audience, Arc<Event>)>, StorageError> {
        for user in recorded_for(audience) {
            let values = [user.0.into(), seq.0.into(), kind.stored().into(), subject.into(), detail.into()];
            self.execute(RECORD, values).await?;
        }
        Ok(to(audience, seq, body))
    }
}

/// Returns the users for whom an event for this audience has a row.
pub(super) fn recorded_for(audience: Audience) -> Vec<UserId> {
    match audience {
        Audience::User(user) => vec![user],
        Audience::Members(conversation) => conversation.members().collect(),
        Audience::All => vec![EVERYBODY],
    }
}
