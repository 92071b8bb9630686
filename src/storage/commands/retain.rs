//! The server's retention: everything older than a moment is hidden at once.

use crate::domain::{Answer, Audience, EventBody, Outcome, Timestamp};
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Place};
use crate::storage::schema::kinds::EventKind;

const RETAIN: &str = "UPDATE store SET retained_from = $1 WHERE id = 1 AND retained_from < $1";
const SWEEP: &str = "INSERT INTO sweeps (seq, before) VALUES ($1, $2)";

impl Batch<'_> {
    /// Hides all messages from before `before` from now on; the rows are destroyed afterwards, a few at a time.
    pub(super) async fn retain(&mut self, place: Place, before: Timestamp) -> Result<Outcome, StorageError> {
        if before <= self.retained_from {
            return Ok(Outcome::done(Answer::Done));
        }
        self.retained_from = before;
        self.execute(RETAIN, [before.as_micros().into()]).await?;
        let seq = self.seq(place);
        self.execute(SWEEP, [seq.0.into(), before.as_micros().into()]).await?;
        let body = EventBody::DeletedBefore(before);
        let (kind, subject) = (EventKind::DeletedBefore, before.as_micros());
        let events = self.publish(Audience::All, seq, kind, subject, "", body).await?;
        Ok(Outcome { answer: Ok(Answer::Done), events })
    }
}
