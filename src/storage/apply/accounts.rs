//! Deleting an account: at once for everybody who looks; the messages themselves are destroyed right afterwards, a few at a
//! time.

use sea_orm::Value;

use super::rules::note_members;
use super::{Batch, Place, to_users};
use crate::domain::{Answer, DirectKey, EventBody, Outcome, Refusal, UserId};
use crate::storage::StorageError;
use crate::storage::events::Kind;
use crate::storage::search::Change;

/// Conversations of the user `$1`.
const THEIRS: &str = "(SELECT conversation_id FROM members WHERE user_id = $1)";
/// Events in other users' streams that are about the user `$1`: key changes and blocks, as in the index `events_about`.
const FORGET_ABOUT: &str = "DELETE FROM events WHERE subject = $1 AND kind IN (5, 7, 8)";

impl Batch<'_> {
    pub(super) async fn delete_account(&mut self, place: Place, user: UserId) -> Result<Outcome, StorageError> {
        if self.user(user).await?.is_none() {
            return Ok(Outcome::refused(Refusal::NotFound));
        }
        let seq = self.seq(place);
        let partners: Vec<UserId> = self.partners(user).await?.into_iter().filter(|other| *other != user).collect();
        let note = format!("{} AND user_id <> $1", note_members(Kind::UserDeleted));
        self.execute(note, [user.0.into(), seq.0.into(), "".into()]).await?;
        let wipe = format!(
            "INSERT INTO wipes (conversation_id, user_id, seq) SELECT id, $1, $2 FROM conversations \
             WHERE id IN {THEIRS}"
        );
        self.execute(wipe, [user.0.into(), seq.0.into()]).await?;
        for table in ["conversations WHERE id", "members WHERE conversation_id"] {
            self.execute(format!("DELETE FROM {table} IN {THEIRS}"), [Value::from(user.0)]).await?;
        }
        for other in partners.iter().chain([&user]) {
            self.facts.conversations.pop(&DirectKey::new(user, *other));
        }
        self.execute(FORGET_ABOUT, [i64::from(user.0).into()]).await?;
        self.execute("DELETE FROM events WHERE user_id = $1", [Value::from(user.0)]).await?;
        self.execute("DELETE FROM blocks WHERE user_id = $1 OR other_id = $1", [Value::from(user.0)]).await?;
        let sql = "SELECT name_key FROM users WHERE id = $1";
        let row = self.tx.query_one(self.statement(sql, [user.0.into()])).await?;
        // Login sessions, tokens, tickets and devices go with it.
        self.execute("DELETE FROM users WHERE id = $1", [user.0.into()]).await?;
        if let Some(row) = row {
            let key: String = row.get(0)?;
            self.storage.index_names(&self.tx, Change::Remove, &[(user, &key)]).await?;
        }
        self.next_rules().await?;
        self.facts.users.pop(&user);

        self.changed = true;
        let events = to_users(partners, seq, EventBody::UserDeleted(user));
        Ok(Outcome { answer: Ok(Answer::Done), events })
    }
}
