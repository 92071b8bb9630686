//! Messages between sockets: writers, readers, and their measurements.

mod board;
mod pacing;
mod reader;
mod receipts;
mod soundness;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, sleep_until, timeout};

use crate::clock;
use crate::costs::{Costs, Snapshot};
use crate::marked_frame::{MIN_BYTES, MarkedFrame};
use crate::progress::Progress;
use crate::socket::Socket;
use crate::target::Target;

pub(crate) use board::Board;
use board::Window;
pub(crate) use pacing::Pacing;
pub(crate) use receipts::Partners;
pub(crate) use soundness::Soundness;

/// Longest wait for the last replies.
const SETTLE: Duration = Duration::from_secs(10);

/// The load: what is sent, and for how long.
#[derive(Clone, Debug, clap::Args, serde::Serialize)]
pub(crate) struct Plan {
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

impl Plan {
    /// Checks that it can be carried out.
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(self.bytes >= MIN_BYTES, "--bytes must be at least {MIN_BYTES}: they tell the messages apart");
        Ok(())
    }
}

/// A writer, and the sockets that receive its messages.
pub(crate) struct Party {
    pub(crate) writer: Socket,
    pub(crate) frame: MarkedFrame,
    /// The readers, equally many in each party.
    pub(crate) readers: Vec<Socket>,
    /// With receipts: whose they are. Then there is one reader.
    pub(crate) partners: Option<Partners>,
}

/// Runs all parties. `pacing` is called with the start and the number of the party.
pub(crate) async fn drive(
    target: &Target,
    plan: &Plan,
    parties: Vec<Party>,
    pacing: impl Fn(u64, u32) -> Pacing,
) -> Result<(Arc<Board>, Costs)> {
    let result = Box::pin(drive_on(target, plan, parties, pacing)).await;
    result.with_context(|| format!("{}: {}", target.name, target.said()))
}

async fn drive_on(
    target: &Target,
    plan: &Plan,
    parties: Vec<Party>,
    pacing: impl Fn(u64, u32) -> Pacing,
) -> Result<(Arc<Board>, Costs)> {
    let (warmup, measured) = (Duration::from_secs(plan.warmup), Duration::from_secs(plan.seconds));
    let progress = Progress::over(&target.name, warmup + measured);
    let fan = parties.first().map_or(1, |party| party.readers.len());
    let has_receipts = parties.first().is_some_and(|party| party.partners.is_some());
    let start = clock::now();
    let from = start + clock::nanos(warmup);
    let window = Window { from, to: from + clock::nanos(measured) };
    let board = Arc::new(Board::new(window, parties.len(), fan, has_receipts)?);
    let mut tasks = Tasks { writers: JoinSet::new(), readers: JoinSet::new() };
    let mut number = 0;
    for (Party { writer, frame, readers, partners }, party) in parties.into_iter().zip(0_u32..) {
        for reader in readers {
            tasks.readers.spawn(reader::run(reader, number, partners, board.clone()));
            number += 1;
        }
        tasks.writers.spawn(writer::run(writer, frame, pacing(start, party), (party, partners), board.clone()));
    }
    tasks.watch(start, board.window.from, &progress).await?;
    let first = Snapshot::take(target, board.done()).await?;
    tasks.watch(start, board.window.to, &progress).await?;
    let second = Snapshot::take(target, board.done()).await?;
    tasks.settle(&board).await;
    Ok((board, Costs::between(target, &first, &second)))
}

struct Tasks {
    writers: JoinSet<Result<()>>,
    readers: JoinSet<Result<()>>,
}

impl Tasks {
    /// Waits until `until`; ends at once when one of the sockets ends.
    async fn watch(&mut self, start: u64, until: u64, progress: &Progress) -> Result<()> {
        let mut tick = interval(Duration::from_millis(500));
        loop {
            tokio::select! {
                () = sleep_until(clock::instant(until)) => return Ok(()),
                _ = tick.tick() => progress.at(Duration::from_nanos(clock::now() - start)),
                Some(ended) = self.writers.join_next() => ended??,
                Some(ended) = self.readers.join_next() => ended??,
            }
        }
    }

    /// Waits for messages on their way. Messages without a reply are counted in the result.
    async fn settle(mut self, board: &Board) {
        let _ = timeout(SETTLE, async { while self.writers.join_next().await.is_some() {} }).await;
        let deadline = Instant::now() + SETTLE;
        while board.is_waiting() && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
        // Extra wait in which a second copy, which must not come, would arrive.
        sleep(Duration::from_millis(50)).await;
        self.readers.shutdown().await;
        self.writers.shutdown().await;
    }
}
