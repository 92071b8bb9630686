//! Support for tests and benchmarks.

#[cfg(test)]
pub(crate) mod accounts;
#[cfg(feature = "testing")]
pub mod databases;
#[cfg(test)]
mod push_plans;
#[cfg(test)]
mod query_plans;
#[cfg(feature = "testing")]
pub(in crate::storage) mod seed;

use crate::clock::Clock;
use crate::domain::{Command, Timestamp};
use crate::storage::commands::apply::Applied;
use crate::storage::{Storage, StorageError};

impl Storage {
    /// Carries out commands as [`carry_out`](Self::carry_out) does, at this time whatever the clocks say.
    pub async fn apply(&self, commands: Vec<Command>, now: Timestamp) -> Result<Applied, StorageError> {
        self.carry_out(commands, &Clock::stopped_at(now)).await
    }

    /// As [`apply`](Self::apply), and holds the row before.
    pub async fn apply_in_turn(&self, commands: Vec<Command>, now: Timestamp) -> Result<Applied, StorageError> {
        let clock = Clock::stopped_at(now);
        let held = self.hold_row(&clock).await?;
        self.carry_out_in(held, commands, &clock).await
    }
}
