//! Who is shown online, and who was shown offline when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::watcher::Seen;
use crate::latency::{Latencies, Summary};

/// Longest time until all are shown online.
const SHOWN: Duration = Duration::from_mins(1);

/// What all watchers see.
pub(super) struct Board {
    seen: UnboundedReceiver<Seen>,
    online: BTreeSet<i64>,
    /// When those went who are not.
    gone: BTreeMap<i64, u64>,
    /// How often somebody went who was online.
    pub(super) offlines: u64,
}

impl Board {
    pub(super) fn new(seen: UnboundedReceiver<Seen>) -> Self {
        Self { seen, online: BTreeSet::new(), gone: BTreeMap::new(), offlines: 0 }
    }

    /// Returns how many are shown online.
    pub(super) fn online(&self) -> usize {
        self.online.len()
    }

    /// Returns how long it took until each was shown offline who is.
    pub(super) fn gone_since(&self, start: u64) -> Result<Summary> {
        let mut times = Latencies::new()?;
        self.gone.values().for_each(|at| times.note(start, *at));
        Ok(times.summary())
    }

    /// Waits until so many are shown online.
    pub(super) async fn all_online(&mut self, count: usize) -> Result<()> {
        let showing = async {
            while self.online.len() < count {
                let seen = self.seen.recv().await.context("nobody watches any more")?;
                self.note(seen);
            }
            anyhow::Ok(())
        };
        if timeout(SHOWN, showing).await.is_ok_and(|shown| shown.is_ok()) {
            return Ok(());
        }
        bail!("only {} of {count} are shown online", self.online.len())
    }

    /// Notes what is seen until something else is done.
    pub(super) async fn follow<T>(&mut self, until: impl Future<Output = T>) -> Result<T> {
        let mut until = std::pin::pin!(until);
        loop {
            tokio::select! {
                seen = self.seen.recv() => self.note(seen.context("nobody watches any more")?),
                done = &mut until => return Ok(done),
            }
        }
    }

    fn note(&mut self, seen: Seen) {
        let Seen { user, is_online, at } = seen;
        if is_online {
            self.gone.remove(&user);
            self.online.insert(user);
        } else if self.online.remove(&user) {
            self.offlines += 1;
            self.gone.insert(user, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_goes_and_comes() {
        let (told, seen) = tokio::sync::mpsc::unbounded_channel();
        let mut board = Board::new(seen);
        for (user, is_online, at) in [(1, false, 1), (1, true, 2), (2, true, 3), (1, false, 2_000_005), (3, true, 7)] {
            told.send(Seen { user, is_online, at }).unwrap();
        }
        board.all_online(2).await.unwrap();
        board.follow(tokio::task::yield_now()).await.unwrap();
        while board.offlines == 0 || board.online() < 2 {
            board.follow(tokio::task::yield_now()).await.unwrap();
        }
        assert_eq!(board.offlines, 1, "who was never online does not go");
        assert!(board.gone_since(5).unwrap().max >= 2.0);
    }
}
