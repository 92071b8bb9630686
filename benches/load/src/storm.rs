//! Thousands of devices that were away and return at once, each with events that it has missed.

mod outcome;
mod prepare;
mod returning;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::bystanders::{self, Bystanders};
use crate::clock;
use crate::costs::{Costs, Snapshot};
use crate::latency::Latencies;
use crate::progress::Progress;
use crate::target::Target;
use crate::traffic::Soundness;
pub(crate) use outcome::Outcome;
use returning::Device;

/// A reconnect storm.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Storm {
    /// Devices of fluent.v1, each of a user of its own
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub(crate) clients: u32,
    /// Messages that each has missed
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) missed: u32,
    /// Characters of each encrypted copy
    #[arg(long, default_value_t = 344, value_parser = clap::value_parser!(u32).range(48..=98_304))]
    bytes: u32,
    /// Devices that connect at once; by default all of them
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    at_once: Option<u32>,
    /// Seconds in which the bystanders write before the storm, and after it
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    calm: u64,
    /// Longest time until the last device is live, in seconds
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    patience: u64,
    /// Decides what the messages hold, and how long refused devices wait
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    #[serde(flatten)]
    bystanders: bystanders::Plan,
}

impl Storm {
    /// Returns the number of accounts: of devices, of those who have written to them, and of bystanders.
    pub(crate) fn accounts(&self) -> u32 {
        self.clients + prepare::WRITERS + 2 * self.bystanders.pairs
    }

    pub(crate) async fn run(&self, target: &Target) -> Result<Outcome> {
        let running = Box::pin(self.run_on(target));
        running.await.with_context(|| format!("{}: {}", target.name, target.said()))
    }

    async fn run_on(&self, target: &Target) -> Result<Outcome> {
        ensure!(target.accounts.len() >= self.accounts() as usize, "there are too few accounts");
        let (clients, others) = target.accounts.split_at(self.clients as usize);
        let (writers, others) = others.split_at(prepare::WRITERS as usize);
        let cursors = prepare::cursors(target, clients).await?;
        prepare::missed(target, self, clients, writers).await?;

        let others = others.get(..2 * self.bystanders.pairs as usize).unwrap_or_default();
        let bystanders = Bystanders::begin(target, others, self.bystanders, self.seed).await?;
        // The first second is not counted, in which the pairs' conversations begin.
        sleep(Duration::from_secs(1)).await;
        let calm = (clock::now(), self.wait("before the storm").await);

        let before = Snapshot::take(target, 0).await?;
        let start = clock::now();
        let progress = Progress::counting("devices return", self.clients.into());
        let turns = tokio::sync::Semaphore::new(self.at_once.unwrap_or(self.clients).max(1) as usize);
        let turns = std::sync::Arc::new(turns);
        let (leave, told) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let (lives, mut live) = tokio::sync::mpsc::unbounded_channel();
        for ((account, cursor), number) in clients.iter().zip(cursors).zip(0_u32..) {
            let device = Device::new(target.addr, account, number, cursor, self.seed);
            tasks.spawn(device.come(turns.clone(), lives.clone(), told.clone()));
        }
        drop(lives);
        let mut times = Latencies::new()?;
        let (mut last, mut is_live) = (start, 0);
        let deadline = Instant::now() + Duration::from_secs(self.patience);
        while is_live < self.clients {
            tokio::select! {
                Some(at) = live.recv() => {
                    times.note(start, at);
                    last = last.max(at);
                    is_live += 1;
                    progress.step();
                }
                () = sleep_until(deadline) => break,
            }
        }
        drop(progress);
        let after = Snapshot::take(target, is_live.into()).await?;
        let costs = Costs::between(target, &before, &after);
        self.wait("after the storm").await;

        leave.send_replace(true);
        let mut sound = Soundness::default();
        let (mut attempts, mut problem) = (0, None);
        while let Some(device) = tasks.join_next().await {
            let device: Device = device?;
            device.judge(self.missed.into(), &mut sound);
            attempts += u64::from(device.attempts);
            problem = problem.or(device.problem);
        }
        let witness = bystanders.end().await?;
        Ok(Outcome {
            workload: "storm",
            target: target.name.clone(),
            storm: self.clone(),
            live: is_live,
            all_live_s: Duration::from_nanos(last - start).as_secs_f64(),
            live_ms: times.summary(),
            attempts,
            problem,
            replayed: u64::from(self.clients) * u64::from(self.missed) - sound.lost,
            sound,
            bystanders_calm_ms: witness.between(calm.0, calm.1)?,
            bystanders_storm_ms: witness.between(start, last)?,
            bystanders_sound: witness.sound,
            costs,
        })
    }

    /// Waits while only the bystanders write, and returns the moment at the end.
    async fn wait(&self, what: &str) -> u64 {
        let time = Duration::from_secs(self.calm);
        let _progress = Progress::over(what, time);
        sleep(time).await;
        clock::now()
    }
}
