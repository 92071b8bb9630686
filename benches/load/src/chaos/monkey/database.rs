//! Breaks the database, and the way of a server to it.

use std::time::Duration;

use anyhow::Result;
use fluent_backend::testing::{CommitCut, DatabaseLink, Direction};
use tokio::time::{Instant, sleep};

use super::{Break, LONG_STALLS, MAX_DOWN_MS, Monkey};
use crate::random::Random;

/// How long a short stall of the link may last, and a long one: beyond what the server waits for a transaction.
const SHORT_STALL_MS: u64 = 2500;
const LONG_STALL: Duration = Duration::from_secs(12);
/// Longest time until a server closes itself to its clients, whose database is away for it alone.
const FENCED: Duration = Duration::from_secs(40);
/// Commits that are cut one after the other, at most, and how long one is waited for.
const MAX_COMMITS: u64 = 4;
const COMMIT: Duration = Duration::from_secs(1);

impl Monkey {
    pub(super) async fn break_database(&mut self, chosen: Break) -> Result<()> {
        let at = self.random.index(self.hosts.len());
        let link = self.hosts.get(at).and_then(|host| host.link.as_ref());
        let (Some(link), Some(cluster)) = (link, &mut self.cluster) else { return Ok(()) };
        let mut count = 1;
        match chosen {
            Break::LinkStalled => stall(link, &mut self.random, DatabaseLink::stall).await,
            Break::LinkOneWay => {
                let direction = if self.random.chance(500) { Direction::ToServer } else { Direction::ToClient };
                stall(link, &mut self.random, |link| link.stall_only(direction)).await;
            }
            Break::CommitCut => count = cut_commits(link, &mut self.random).await,
            Break::DatabaseKilled => {
                cluster.crash()?;
                sleep(Duration::from_millis(self.random.below(MAX_DOWN_MS))).await;
                cluster.restart().await?;
            }
            _ => link.cut(),
        }
        self.breaks.add(chosen, count);
        Ok(())
    }

    /// Takes the database away from one server alone, until that closes itself to its clients.
    pub(super) async fn fence(&mut self) -> Result<()> {
        let host = self.random_host()?;
        let Some(link) = &host.link else { return Ok(()) };
        let (before, deadline) = (host.fences()?, Instant::now() + FENCED);
        link.stall();
        while host.fences()? == before && Instant::now() < deadline {
            sleep(Duration::from_millis(200)).await;
        }
        let fences = host.fences()? - before;
        link.flow();
        self.breaks.add(Break::Fenced, fences as u64);
        Ok(())
    }
}

/// What is held up arrives late, or not at all.
async fn stall(link: &DatabaseLink, random: &mut Random, stall: impl Fn(&DatabaseLink)) {
    stall(link);
    let short = Duration::from_millis(random.below(SHORT_STALL_MS));
    sleep(if random.chance(LONG_STALLS) { LONG_STALL } else { short }).await;
    if random.chance(500) {
        link.cut();
    }
    link.flow();
}

/// Returns how many were cut.
async fn cut_commits(link: &DatabaseLink, random: &mut Random) -> u64 {
    let first = link.commits_cut();
    for _ in 0..=random.below(MAX_COMMITS) {
        let before = link.commits_cut();
        link.cut_next_commit(if random.chance(200) { CommitCut::Before } else { CommitCut::After });
        let deadline = Instant::now() + COMMIT;
        while link.commits_cut() == before && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
    }
    (link.commits_cut() - first) as u64
}
