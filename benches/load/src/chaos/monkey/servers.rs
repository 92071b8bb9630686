//! Breaks the servers themselves.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::sleep;

use super::{Break, LONG_STALLS, MAX_DOWN_MS, Monkey};

/// How long a server may stand still, and for how long some of them do: beyond what the others wait for it.
const SHORT_FREEZE_MS: u64 = 2500;
const LONG_FREEZE: Duration = Duration::from_secs(6);

impl Monkey {
    pub(super) async fn break_server(&mut self, chosen: Break) -> Result<()> {
        let down = Duration::from_millis(self.random.below(MAX_DOWN_MS));
        let freeze = self.freeze_time();
        let host = self.random_host()?;
        match chosen {
            Break::ServerKilled => {
                host.kill();
                sleep(down).await;
                host.start().await?;
            }
            Break::ServerFrozen => host.freeze(freeze).await?,
            Break::FrozenInBatch => {
                // Nobody may write just now.
                if !host.freeze_in_batch(freeze).await? {
                    return Ok(());
                }
            }
            Break::Rolling => {
                for host in &mut self.hosts {
                    host.stop().await?;
                    host.start().await?;
                }
            }
            _ => {
                host.stop().await?;
                host.start().await?;
            }
        }
        self.breaks.add(chosen, 1);
        Ok(())
    }

    /// Returns for how long a process stands still.
    pub(super) fn freeze_time(&mut self) -> Duration {
        let short = Duration::from_millis(self.random.below(SHORT_FREEZE_MS));
        if self.random.chance(LONG_STALLS) { LONG_FREEZE } else { short }
    }

    pub(super) fn random_host(&mut self) -> Result<&mut super::Host> {
        let at = self.random.index(self.hosts.len());
        self.hosts.get_mut(at).context("there is no server")
    }
}
