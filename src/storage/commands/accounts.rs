//! Deletion of an account. It is invisible at once; the messages themselves are destroyed right afterwards, a few at a
//! time.

use std::sync::LazyLock;

use sea_orm::Value;

use crate::domain::{Answer, DirectKey, Effect, EventBody, Outcome, Proof, Refusal, Timestamp, UserId, searched};
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Place, to_users};
use crate::storage::engine::tx::Tx as _;
use crate::storage::people::search::Change;
use crate::storage::schema::kinds::EventKind;

/// The conversations of the user `$1`.
const THEIRS: &str = "(SELECT conversation_id FROM members WHERE user_id = $1)";
/// Records the event for all users who share a conversation with the user `$1`, and which conversation it was, for the
/// deletion of their accounts.
const RECORD_FOR_PARTNERS: &str = "INSERT INTO events (user_id, seq, kind, subject, detail) \
     SELECT user_id, CAST($2 AS BIGINT), CAST($3 AS SMALLINT), CAST($1 AS BIGINT), CAST(conversation_id AS TEXT) \
     FROM members WHERE conversation_id IN {theirs} AND user_id <> $1";
/// Marks conversations for destruction: the user's own, and those whose other side has left before, under the number of
/// that. Where both have left, 0 stands for the two.
const MARK: &str = "INSERT INTO wipes (conversation_id, user_id, seq) \
     SELECT id, CAST($1 AS INTEGER), CAST($2 AS BIGINT) FROM conversations WHERE id IN {theirs} \
     UNION ALL SELECT CAST(detail AS BIGINT), 0, seq FROM events WHERE user_id = $1 AND kind = $3 AND detail <> '' \
     ON CONFLICT (conversation_id) DO UPDATE SET user_id = 0";
/// The looks of the name of the user `$1`, which no new name may have.
const LOOKS: &str = "SELECT skeleton FROM name_skeletons WHERE user_id = $1 AND twin = 0";
/// An invite may be bound to the name or address of the user `$1`, who has used it.
const FORGET_INVITE: &str = "UPDATE invites SET used_by = NULL, bound_to = NULL, bound_key = NULL WHERE used_by = $1";
/// Entries of the audit log that name the user `$1`.
const FORGET_AUDIT: [&str; 2] = [
    "UPDATE audit SET actor_id = NULL WHERE actor_id = $1",
    "UPDATE audit SET subject_id = NULL WHERE subject_id = $1",
];
/// Events in other users' streams that are about the user `$1`: key changes and blocks, as in the index `events_about`.
static FORGET_ABOUT: LazyLock<String> = LazyLock::new(|| {
    let kinds = [EventKind::KeyChanged, EventKind::Blocked, EventKind::Unblocked].map(|kind| kind.stored().to_string());
    format!("DELETE FROM events WHERE subject = $1 AND kind IN ({})", kinds.join(", "))
});
/// The access tokens of the user `$1` are refused until `$2`.
const ENDED: &str = "INSERT INTO ended_users (user_id, until) VALUES ($1, $2) ON CONFLICT DO NOTHING";
/// Reads what is to be compared, and locks it until the batch has ended: on PostgreSQL other transactions may write
/// meanwhile.
const LOCK: &str = "UPDATE users SET password_hash = password_hash WHERE id = $1 \
     RETURNING name, name_key, password_hash, public_key";

/// An account that is locked until the batch has ended.
pub(super) struct LockedAccount {
    pub(super) name: String,
    pub(super) name_key: String,
    pub(super) password_hash: String,
    pub(super) public_key: String,
}

impl Batch<'_> {
    /// Locks an account and returns what is compared of it; `None` when there is no such user.
    pub(super) async fn lock_account(&self, user: UserId) -> Result<Option<LockedAccount>, StorageError> {
        let Some(row) = self.tx.query_one(self.statement(LOCK, [user.0.into()])).await? else { return Ok(None) };
        let (name, name_key, password_hash, public_key) = row.read()?;
        Ok(Some(LockedAccount { name, name_key, password_hash, public_key }))
    }

    pub(super) async fn delete_account(
        &mut self,
        place: Place,
        user: UserId,
        proof: &Proof,
        until: Timestamp,
    ) -> Result<Outcome, StorageError> {
        let Some(account) = self.lock_account(user).await? else { return Ok(Outcome::refused(Refusal::NotFound)) };
        if account.password_hash != proof.hash() {
            return Ok(Outcome::refused(Refusal::Forbidden));
        }
        let seq = self.seq(place);
        let partners: Vec<UserId> = self.partners(user).await?.into_iter().filter(|other| *other != user).collect();
        for sql in [RECORD_FOR_PARTNERS, MARK] {
            let values = [user.0.into(), seq.0.into(), EventKind::UserDeleted.stored().into()];
            self.execute(sql.replace("{theirs}", THEIRS), values).await?;
        }
        for table in ["conversations WHERE id", "members WHERE conversation_id"] {
            self.execute(format!("DELETE FROM {table} IN {THEIRS}"), [Value::from(user.0)]).await?;
        }
        for other in partners.iter().chain([&user]) {
            self.cache.conversations.pop(&DirectKey::new(user, *other));
        }
        self.execute(FORGET_ABOUT.as_str(), [i64::from(user.0).into()]).await?;
        self.execute("DELETE FROM events WHERE user_id = $1", [Value::from(user.0)]).await?;
        self.execute("DELETE FROM blocks WHERE user_id = $1 OR other_id = $1", [Value::from(user.0)]).await?;
        self.execute(FORGET_INVITE, [user.0.into()]).await?;
        let looks = self.tx.query(self.statement(LOOKS, [user.0.into()])).await?;
        self.release_files_of(user).await?;
        // Foreign keys delete logins, tokens, tickets, devices and looks with it.
        self.execute("DELETE FROM users WHERE id = $1", [user.0.into()]).await?;
        // Only now: until the row is locked against it, another transaction may add an entry that names the user.
        for sql in FORGET_AUDIT {
            self.execute(sql, [user.0.into()]).await?;
        }
        let looks = looks.iter().map(|look| look.get(0)).collect::<Result<Vec<Vec<u8>>, _>>()?;
        self.storage.promote_twins(&self.tx, &looks).await?;
        self.storage.index_names(&self.tx, Change::Remove, &[(user, &searched(&account.name_key))]).await?;
        self.execute(ENDED, [user.0.into(), until.as_micros().into()]).await?;
        self.next_rules().await?;
        self.cache.users.pop(&user);
        self.effects.push(Effect::AccountDeleted { user, until });

        self.changed = true;
        // The hash of the password must not be recoverable.
        self.destroyed = true;
        let events = to_users(partners, seq, EventBody::UserDeleted(user));
        Ok(Outcome { answer: Ok(Answer::Done), events })
    }
}
