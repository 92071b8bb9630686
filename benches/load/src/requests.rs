//! Requests, one after the other on each of several kept connections.

mod ask;
mod connection;
mod outcome;

use std::cell::RefCell;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep_until};

use crate::clock;
use crate::costs::{Costs, Snapshot};
use crate::progress::Progress;
use crate::random::Random;
use crate::target::Target;

pub(crate) use ask::{Ask, Expect};
pub(crate) use connection::{Connection, head};
use outcome::Board;
pub(crate) use outcome::{Outcome, Served};

/// The load of requests.
#[derive(Clone, Debug, clap::Args, serde::Serialize)]
pub(crate) struct Asking {
    /// Connections, each of which asks again as soon as it has its answer
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) clients: u32,
    /// How long it is measured
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: u64,
    /// How long it runs before that
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    pub(crate) warmup: u64,
    /// Decides what is asked
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

impl Asking {
    /// Runs all clients. `kinds` are the names of the kinds of [`Ask`].
    pub(crate) async fn run(
        &self,
        target: &Target,
        kinds: &'static [&'static str],
        ask: impl Fn(&mut Random) -> Ask,
    ) -> Result<Served> {
        let running = Box::pin(self.run_on(target, kinds, ask));
        running.await.with_context(|| format!("{}: {}", target.name, target.said()))
    }

    async fn run_on(
        &self,
        target: &Target,
        kinds: &'static [&'static str],
        ask: impl Fn(&mut Random) -> Ask,
    ) -> Result<Served> {
        let from = clock::now() + clock::nanos(Duration::from_secs(self.warmup));
        let to = from + clock::nanos(Duration::from_secs(self.seconds));
        let board = RefCell::new(Board::new(kinds, from)?);
        let asking = try_join_all((0..self.clients).map(|client| {
            let (ask, board) = (&ask, &board);
            async move {
                let mut random = Random::of(self.seed, client.into());
                let mut connection = Connection::open(target.addr).await?;
                while clock::now() < to {
                    let question = ask(&mut random);
                    let start = clock::now();
                    let answer = connection.ask(&question.request).await?;
                    board.borrow_mut().note(&question, start, &answer);
                }
                anyhow::Ok(())
            }
        }));
        let watching = async {
            let progress = Progress::over(&target.name, Duration::from_secs(self.warmup + self.seconds));
            let start = Instant::now();
            let answered = || board.borrow().answered();
            watch(&progress, start, clock::instant(from)).await;
            let first = Snapshot::take(target, answered()).await?;
            watch(&progress, start, clock::instant(to)).await;
            let second = Snapshot::take(target, answered()).await?;
            anyhow::Ok(Costs::between(target, &first, &second))
        };
        let (_, costs) = tokio::try_join!(asking, watching)?;
        Ok(board.into_inner().served(costs))
    }
}

/// Waits, with a progress bar.
async fn watch(progress: &Progress, start: Instant, until: Instant) {
    while Instant::now() < until {
        progress.at(start.elapsed());
        sleep_until(until.min(Instant::now() + Duration::from_millis(500))).await;
    }
}
