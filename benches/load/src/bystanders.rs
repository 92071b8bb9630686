//! Bystanders: pairs of users who write to each other at a fixed rate during another load.
//!
//! They have a thread of their own: behind the tool's thousands of other clients their messages would be late, although
//! the server is not the cause.

mod pair;

use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::client::{self, OPENING};
use crate::latency::{Latencies, Summary};
use crate::marked_frame::{Dialect, MarkedFrame};
use crate::target::{Account, Target};
use crate::traffic::Soundness;
use pair::{Phase, Read, Written};

const BYTES: usize = 344;
/// Extra wait in which a second copy, which must not come, would arrive.
const A_LITTLE: Duration = Duration::from_millis(100);

/// The load of the bystanders.
#[derive(Clone, Copy, Debug, clap::Args, Serialize)]
pub(crate) struct Plan {
    /// Pairs of bystanders, of whom one writes to the other
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) pairs: u32,
    /// Messages a second in total, at fixed times
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) rate: u32,
}

/// Running bystanders.
pub(crate) struct Bystanders {
    writers: JoinSet<Result<Written>>,
    readers: JoinSet<Result<Read>>,
    phase: watch::Sender<Phase>,
    /// The runtime on their thread.
    runtime: Option<Runtime>,
}

/// The result of their messages.
pub(crate) struct Witness {
    /// When each message was due, and when it came.
    times: Vec<(u64, u64)>,
    pub(crate) sound: Soundness,
}

impl Bystanders {
    /// Starts the bystanders, with two accounts for each pair.
    pub(crate) async fn begin(target: &Target, accounts: &[Account], plan: Plan, seed: u64) -> Result<Self> {
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        let runtime = threads.worker_threads(1).enable_all().build().context("cannot start the bystanders' thread")?;
        let thread = runtime.handle().clone();
        let phase = watch::Sender::new(Phase::Write);
        let mut this = Self { writers: JoinSet::new(), readers: JoinSet::new(), phase, runtime: Some(runtime) };
        let sides = |pair: &[Account]| match pair {
            [from, to] => Some((from.clone(), to.clone())),
            _ => None,
        };
        let (addr, pairs): (_, Vec<_>) = (target.addr, accounts.chunks_exact(2).filter_map(sides).collect());
        let opening = thread.spawn(async move {
            let opening = stream::iter(pairs.into_iter().zip(0..).map(move |((from, to), number)| async move {
                let reader = client::connect(addr, &to.token, Dialect::V1, "").await?;
                let writer = client::connect(addr, &from.token, Dialect::V1, "").await?;
                anyhow::Ok((number, writer, reader, MarkedFrame::new(Dialect::V1, number, to.id, BYTES, seed)?))
            }));
            opening.buffered(OPENING).try_collect::<Vec<_>>().await
        });
        let opened = opening.await??;
        let gap = Duration::from_secs(1) / plan.rate.max(1);
        let start = Instant::now();
        for ((number, writer, reader, frame), place) in opened.into_iter().zip(0_u32..) {
            let due = (start + gap * place, gap * plan.pairs);
            this.writers.spawn_on(pair::write(writer, frame, number, due, this.phase.subscribe()), &thread);
            this.readers.spawn_on(pair::read(reader, number, this.phase.subscribe()), &thread);
        }
        Ok(this)
    }

    /// Ends the load after all sent messages have arrived, or a last wait has passed.
    pub(crate) async fn end(mut self) -> Result<Witness> {
        self.phase.send_replace(Phase::Settle);
        let mut written = Vec::new();
        while let Some(writer) = self.writers.join_next().await {
            written.push(writer??);
        }
        sleep(A_LITTLE).await;
        self.phase.send_replace(Phase::End);
        let mut witness = Witness { times: Vec::new(), sound: Soundness::default() };
        while let Some(reader) = self.readers.join_next().await {
            let read = reader??;
            let Witness { times, sound } = &mut witness;
            times.extend(read.times);
            sound.strays += read.strays;
            sound.duplicated += read.tally.duplicated;
            sound.out_of_order += read.tally.out_of_order;
            for writer in written.iter().filter(|writer| writer.pair == read.pair) {
                sound.lost += writer.acknowledged.not_in(&read.tally);
                sound.unacknowledged += writer.sent.saturating_sub(writer.acknowledged.count);
                sound.errors += writer.errors;
            }
        }
        Ok(witness)
    }
}

impl Drop for Bystanders {
    fn drop(&mut self) {
        // A runtime must not be dropped within a task.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Witness {
    /// Returns the latencies of messages that were due between two moments.
    pub(crate) fn between(&self, from: u64, to: u64) -> Result<Summary> {
        let mut latencies = Latencies::new()?;
        for &(due, came) in self.times.iter().filter(|(due, _)| (from..to).contains(due)) {
            latencies.note(due, came);
        }
        Ok(latencies.summary())
    }
}
