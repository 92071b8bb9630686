//! Limits that operators have set for single users.

use std::time::Duration;

use crate::domain::{LimitRule, Limiter, UserId};
use crate::storage::engine::row::Row;
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

const ALL: &str = "SELECT user_id, limiter, burst, every_us FROM user_limits ORDER BY user_id, limiter";
const SET: &str = "INSERT INTO user_limits (user_id, limiter, burst, every_us) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (user_id, limiter) DO UPDATE SET burst = excluded.burst, every_us = excluded.every_us";
const REMOVE: &str = "DELETE FROM user_limits WHERE user_id = $1 AND limiter = $2";

impl Storage {
    /// Returns the limits of all single users. Rows of limiters that this version does not know are left out.
    pub async fn user_limits(&self) -> Result<Vec<(UserId, Limiter, LimitRule)>, StorageError> {
        let rows = self.reads.query(self.statement(ALL, [])).await?;
        let limit = |row: Row| -> Result<Option<(UserId, Limiter, LimitRule)>, StorageError> {
            let (user, name, burst, every_us): (UserId, String, i64, i64) = row.read()?;
            let Some(limiter) = Limiter::named(&name) else { return Ok(None) };
            let burst = u32::try_from(burst).map_err(|_| StorageError::Corrupt("a limit beyond 2^32"))?;
            let every = Duration::from_micros(u64::try_from(every_us).unwrap_or_default());
            Ok(Some((user, limiter, LimitRule { burst, every, fail_open: true })))
        };
        rows.into_iter().filter_map(|row| limit(row).transpose()).collect()
    }

    /// Sets limits of one user, or removes those that are `None`. The user must exist, else
    /// [`StorageError::Orphan`].
    pub async fn set_user_limits(
        &self,
        user: UserId,
        changes: &[(Limiter, Option<LimitRule>)],
    ) -> Result<(), StorageError> {
        let tx = self.begin().await?;
        for (limiter, rule) in changes {
            let of = [user.0.into(), limiter.name().into()];
            let statement = match rule {
                Some(rule) => {
                    let every_us = i64::try_from(rule.every.as_micros()).unwrap_or(i64::MAX);
                    self.statement(SET, of.into_iter().chain([i64::from(rule.burst).into(), every_us.into()]))
                }
                None => self.statement(REMOVE, of),
            };
            tx.execute(statement).await?;
        }
        tx.commit().await
    }
}
