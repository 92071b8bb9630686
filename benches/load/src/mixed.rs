//! A day in the life of many users, at length: what is lost, what comes twice, and whether the server grows.
//!
//! Most of them only listen, one in ten is active for a while: types, writes, reads, looks at history. All leave and
//! return with their cursor again and again, politely or by a cut; what was not acknowledged is sent again, one message
//! at a time to each friend, as a client with an outbox does it.

mod drift;
pub(crate) mod friend;
mod inbox;
mod judge;
mod ledger;
mod outcome;
mod person;
mod samples;
mod stream;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::client::OPENING;
use crate::costs::{Costs, Snapshot};
use crate::target::Target;
use ledger::Ledger;
pub(crate) use outcome::Outcome;
use person::{Person, Phase};
use samples::Samples;

/// Longest time until everybody has got everything.
const SETTLE: Duration = Duration::from_mins(1);

/// A mixed load.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Mixed {
    /// Minutes that it takes, such as 0.5; a server that runs already has tokens for 15
    #[arg(long, default_value_t = 10.0, value_parser = minutes)]
    minutes: f64,
    /// Users, each with one device
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(12..=15_000))]
    pub(crate) users: u32,
    /// Messages a second of all of them together
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Of 1000 users, how many are active at a time
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    active: u32,
    /// Seconds that a socket is open, on average
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    stay: u64,
    /// Seconds until its user returns, on average
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=3600))]
    away: u64,
    /// Characters of each encrypted copy
    #[arg(long, default_value_t = 344, value_parser = clap::value_parser!(u32).range(48..=98_304))]
    bytes: u32,
    /// Seconds from one line about the memory to the next
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
    /// Decides who does what
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    // The tokens of the tool's own servers are valid for a day.
    if (0.05..=1380.0).contains(&minutes) { Ok(minutes) } else { Err("from 0.05 to 1380".to_owned()) }
}

impl Mixed {
    pub(crate) async fn run(&self, target: &Target) -> Result<Outcome> {
        let running = Box::pin(self.run_on(target));
        running.await.with_context(|| format!("{}: {}", target.name, target.said()))
    }

    async fn run_on(&self, target: &Target) -> Result<Outcome> {
        ensure!(target.accounts.len() >= self.users as usize, "there are too few accounts");
        let length = Duration::from_secs_f64(self.minutes * 60.0);
        let ledger = Arc::new(Ledger::new(target.addr)?);
        let turns = Arc::new(Semaphore::new(OPENING));
        let phase = watch::Sender::new(Phase::Come);
        let mut people = JoinSet::new();
        for number in 0..self.users {
            let person = Person::new(self, target, number, ledger.clone(), turns.clone())?;
            people.spawn(Box::pin(person.live(phase.subscribe())));
        }
        self.wait(&ledger).await;
        phase.send_replace(Phase::Day);
        let before = Snapshot::take(target, 0).await?;
        let samples = Samples::gather(target, &ledger, length, Duration::from_secs(self.every)).await?;
        let costs = Costs::between(target, &before, &Snapshot::take(target, ledger.acknowledged()).await?);

        // Everybody returns and gets rid of what is not acknowledged; then everybody returns once more, for what came
        // meanwhile.
        for next in [Phase::Settle, Phase::Return] {
            phase.send_replace(next);
            self.wait(&ledger).await;
        }
        phase.send_replace(Phase::End);
        let mut all = Vec::new();
        while let Some(person) = people.join_next().await {
            all.push(person?);
        }
        all.sort_by_key(|person: &Person| person.number);
        let sound = judge::judge(&all, ledger.errors());
        Ok(Outcome::new(self, target, &ledger, &samples, sound, costs))
    }

    /// Waits until all are done with a phase, and a little longer.
    async fn wait(&self, ledger: &Ledger) {
        let deadline = Instant::now() + SETTLE;
        while ledger.ready.load(Ordering::Relaxed) < u64::from(self.users) && Instant::now() < deadline {
            sleep(Duration::from_millis(100)).await;
        }
        sleep(Duration::from_secs(1)).await;
        ledger.ready.store(0, Ordering::Relaxed);
    }
}
