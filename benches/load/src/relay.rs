//! Pairs of users, of whom one writes to the other.
//!
//! Closed loop: each writer has always the same number of messages without acknowledgement. Open loop: messages are due at
//! fixed times whatever the server does, and their latency counts from then, so that a server which stops for a while is not
//! spared the messages that it would have got meanwhile.

mod board;
mod outcome;
mod pacing;
mod reader;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::client;
use crate::clock;
use crate::letter::{Dialect, Letter, MIN_BYTES};
use crate::progress::Progress;
use crate::target::{Account, Target};

use board::{Board, Window};
pub(crate) use outcome::Outcome;
use outcome::Snapshot;
use pacing::Pacing;

/// Sockets that are opened at once.
const OPENING: usize = 64;
/// Longest time for the last answers to come.
const SETTLE: Duration = Duration::from_secs(10);

/// A load of messages.
#[derive(Clone, Debug, clap::Args, serde::Serialize)]
pub(crate) struct Relay {
    /// Pairs of users; the first writes to the second
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub(crate) pairs: u32,
    /// Messages of a pair that wait for their acknowledgement, always
    #[arg(long, default_value_t = 8, conflicts_with = "rate", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) window: u32,
    /// Instead of a window: messages a second, of all pairs together
    #[arg(long)]
    pub(crate) rate: Option<u32>,
    /// The wire that is spoken
    #[arg(long, value_enum, default_value = "legacy")]
    pub(crate) dialect: Dialect,
    /// Characters of each encrypted copy
    #[arg(long, default_value_t = 344)]
    pub(crate) bytes: usize,
    /// How long it is measured
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: u64,
    /// How long it runs before that
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    pub(crate) warmup: u64,
    /// Decides what the messages hold
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

impl Relay {
    /// Accounts that it needs.
    pub(crate) fn accounts(&self) -> u32 {
        self.pairs * 2
    }

    /// Runs it.
    pub(crate) async fn run(&self, target: &Target) -> Result<Outcome> {
        ensure!(self.rate != Some(0), "--rate 0 sends nothing");
        ensure!(
            self.bytes >= MIN_BYTES,
            "--bytes must be at least {MIN_BYTES}: what tells the messages apart is in there"
        );
        let result = Box::pin(self.run_on(target)).await;
        result.with_context(|| format!("{}: {}", target.name, target.said()))
    }

    async fn run_on(&self, target: &Target) -> Result<Outcome> {
        let progress = Progress::over(&target.name, Duration::from_secs(self.warmup + self.seconds));
        let pairs: Vec<&[Account]> = target.accounts.chunks_exact(2).take(self.pairs as usize).collect();
        ensure!(pairs.len() == self.pairs as usize, "there are too few accounts");
        let opening = futures_util::stream::iter(pairs.iter().zip(0..).map(|(accounts, pair)| async move {
            let [from, to] = accounts else { bail!("a pair has two sides") };
            let receiving = client::connect(target.addr, &to.token, self.dialect, "").await?;
            let sending = client::connect(target.addr, &from.token, self.dialect, "").await?;
            anyhow::Ok((sending, receiving, Letter::new(self.dialect, pair, to.id, self.bytes, self.seed)?))
        }));
        let sockets: Vec<_> = opening.buffered(OPENING).try_collect().await?;

        let start = clock::now();
        let from = start + clock::nanos(Duration::from_secs(self.warmup));
        let board = Arc::new(Board::new(
            Window { from, to: from + clock::nanos(Duration::from_secs(self.seconds)) },
            self.pairs,
        )?);
        let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
        for ((sending, receiving, letter), pair) in sockets.into_iter().zip(0_u32..) {
            let pacing = match self.rate {
                Some(rate) => Pacing::schedule(start, rate, self.pairs, pair),
                None => Pacing::Window(self.window.into()),
            };
            readers.spawn(reader::run(receiving, pair, board.clone()));
            writers.spawn(writer::run(sending, letter, pacing, pair, board.clone()));
        }

        let watch = async |until: Instant, writers: &mut JoinSet<Result<()>>, readers: &mut JoinSet<Result<()>>| {
            loop {
                tokio::select! {
                    () = sleep_until(until) => return anyhow::Ok(()),
                    Some(ended) = writers.join_next() => if Instant::now() < until { ended?? },
                    Some(ended) = readers.join_next() => ended??,
                }
            }
        };
        watch(clock::instant(board.window.from), &mut writers, &mut readers).await?;
        let first = Snapshot::take(target, &board).await?;
        let second = clock::instant(board.window.to);
        while Instant::now() < second {
            progress.at(Duration::from_nanos(clock::now() - start));
            watch(second.min(Instant::now() + Duration::from_secs(1)), &mut writers, &mut readers).await?;
        }
        let last = Snapshot::take(target, &board).await?;

        // Those that never get their answers are told in the outcome.
        let _ = timeout(SETTLE, async { while writers.join_next().await.is_some() {} }).await;
        let deadline = Instant::now() + SETTLE;
        while board.is_waiting() && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
        readers.shutdown().await;
        writers.shutdown().await;
        Ok(Outcome::new(self, target, &board, &first, &last))
    }
}
