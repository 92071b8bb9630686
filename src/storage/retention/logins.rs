//! Logins that have expired or ended: reported once, and dropped later with their tokens.
//!
//! They are dropped in small steps, each a transaction of its own: a login that was used for a month has thousands of
//! spent tokens. These steps wait for no lock while they hold one, so that they need not queue with batches.

use crate::domain::{LoginId, Timestamp, UserId};
use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::row::Row;
use crate::storage::engine::tx::Tx as _;
use crate::storage::people::known_networks::KNOWN_S;
use crate::storage::retention::messages::{BATCH, Cleared};
use crate::storage::{Storage, StorageError};
use crate::telemetry::Pool;

const EXPIRED: &str = "SELECT expires_at, id, user_id FROM logins WHERE (expires_at, id) > ($1, $2) \
     AND expires_at <= $3 \
     AND ended_at IS NULL ORDER BY expires_at, id LIMIT $4 + 0";

/// Deletes some expired tokens. Like the statements below, on PostgreSQL it skips rows that another transaction has
/// locked, so that the two never deadlock.
const TOKENS: &str = "DELETE FROM refresh_tokens WHERE hash IN \
     (SELECT hash FROM refresh_tokens WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 + 0 {skip})";
/// Deletes some tokens of logins that have expired or ended.
const THEIR_TOKENS: &str = "DELETE FROM refresh_tokens WHERE hash IN (SELECT hash FROM refresh_tokens \
     WHERE login_id IN (SELECT id FROM logins WHERE {column} <= $1 ORDER BY {column} LIMIT 20) LIMIT $2 + 0 {skip})";
/// Deletes some logins that have expired or ended and have no tokens any more.
const LOGINS: &str = "DELETE FROM logins WHERE id IN (SELECT id FROM logins WHERE {column} <= $1 \
     ORDER BY {column} LIMIT 20 \
     {skip}) AND NOT EXISTS (SELECT 1 FROM refresh_tokens WHERE login_id = logins.id)";
const TICKETS: &str =
    "DELETE FROM tickets WHERE hash IN (SELECT hash FROM tickets WHERE expires_at <= $1 LIMIT $2 + 0 {skip})";
const NETWORKS: &str = "DELETE FROM known_networks WHERE (user_id, tag) IN \
     (SELECT user_id, tag FROM known_networks WHERE last_ok_at <= $1 LIMIT $2 + 0 {skip})";
const USERS: &str = "DELETE FROM ended_users WHERE user_id IN \
     (SELECT user_id FROM ended_users WHERE until <= $1 LIMIT $2 + 0 {skip})";

const CHALLENGES: &str = "DELETE FROM login_challenges WHERE hash IN \
     (SELECT hash FROM login_challenges WHERE expires_at <= $1 LIMIT $2 + 0 {skip})";
/// Secrets that were never confirmed.
const PENDING: &str = "DELETE FROM second_factors WHERE user_id IN \
     (SELECT user_id FROM second_factors WHERE expires_at <= $1 LIMIT $2 + 0 {skip})";

/// Leaves rows that another transaction has locked for the next time. SQLite has only one lock.
const SKIP_LOCKED: PerEngine<&str> = PerEngine { sqlite: "", postgres: "FOR UPDATE SKIP LOCKED" };

/// A login that has expired.
#[derive(Clone, Copy, Debug)]
pub struct Expired {
    /// When it expired.
    pub at: Timestamp,
    /// The login.
    pub login: LoginId,
    /// The user whose login it is.
    pub user: UserId,
}

impl Storage {
    /// Returns some logins that had expired by `now` and come after this one, in the order in which they expired.
    pub async fn expired_logins(
        &self,
        (at, login): (Timestamp, LoginId),
        now: Timestamp,
    ) -> Result<Vec<Expired>, StorageError> {
        let values = [at.as_micros().into(), login.0.into(), now.as_micros().into(), BATCH.into()];
        let rows = self.reads.query(self.statement(EXPIRED, values)).await?;
        let expired = |row: Row| row.read().map(|(at, login, user)| Expired { at, login, user });
        rows.into_iter().map(expired).collect()
    }

    /// Drops some logins, and tokens of logins, that had expired by `over` or were ended by `ended`.
    pub async fn drop_logins(&self, over: Timestamp, ended: Timestamp) -> Result<Cleared, StorageError> {
        let mut dropped = self.drop_some(TOKENS, over).await?;
        for (column, by) in [("expires_at", over), ("ended_at", ended)] {
            dropped += self.drop_some(&THEIR_TOKENS.replace("{column}", column), by).await?;
            dropped += self.drop_some(&LOGINS.replace("{column}", column), by).await?;
        }
        Ok(Cleared { destroyed: 0, dropped, has_more: dropped > 0 })
    }

    /// Drops some expired socket tickets, deleted accounts of which no access token is left, logins that have waited
    /// too long for a code, secrets that were never confirmed, and networks from which nobody has logged in for long.
    pub async fn drop_tickets(&self, now: Timestamp) -> Result<Cleared, StorageError> {
        let mut dropped = self.drop_some(NETWORKS, now.plus_secs(-KNOWN_S)).await?;
        for sql in [TICKETS, USERS, CHALLENGES, PENDING] {
            dropped += self.drop_some(sql, now).await?;
        }
        Ok(Cleared { destroyed: 0, dropped, has_more: dropped > 0 })
    }

    pub(super) async fn drop_some(&self, sql: &str, by: Timestamp) -> Result<u64, StorageError> {
        let sql = sql.replace("{skip}", SKIP_LOCKED.of(self.backend()));
        let with_limit = sql.contains("$2").then(|| BATCH.into());
        let tx = self.begin_on((Pool::Cleanup, &self.cleanup), None).await?;
        let dropped = tx.execute(self.statement(sql, [by.as_micros().into()].into_iter().chain(with_limit))).await?;
        if dropped == 0 {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
        }
        Ok(dropped)
    }
}
