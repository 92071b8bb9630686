//! Pairs of users, of whom one writes to the other.
//!
//! Closed loop: each writer always has the same number of unacknowledged messages. Open loop: messages are due at fixed
//! times whatever the server does, and their latency counts from then, so that a server that stops for a while is not
//! spared the messages of that time.

use anyhow::{Result, bail, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::Serialize;

use crate::client::{self, OPENING};
use crate::costs::Costs;
use crate::latency::Summary;
use crate::marked_frame::{Dialect, MarkedFrame};
use crate::target::{Account, Target};
use crate::traffic::{Pacing, Party, Plan, Soundness, drive};

/// A load of messages.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Relay {
    /// Pairs of users; the first writes to the second
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub(crate) pairs: u32,
    /// Unacknowledged messages of each pair at any time
    #[arg(
        long,
        default_value_t = 8,
        conflicts_with = "rate",
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    pub(crate) window: u32,
    /// Instead of a window: messages a second in total
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rate: Option<u32>,
    #[command(flatten)]
    #[serde(flatten)]
    plan: Plan,
}

/// The result; times in milliseconds.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    target: String,
    #[serde(flatten)]
    relay: Relay,
    dialect: Dialect,
    /// From the intended sending to the arrival.
    pub(crate) latency_ms: Summary,
    /// From the intended sending to the sender's acknowledgement.
    acknowledged_ms: Summary,
    /// Open loop: how late the tool itself was.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_ms: Option<Summary>,
    #[serde(flatten)]
    pub(crate) sound: Soundness,
    #[serde(flatten)]
    pub(crate) costs: Costs,
}

impl Relay {
    /// Returns the number of accounts that it needs.
    pub(crate) fn accounts(&self) -> u32 {
        self.pairs * 2
    }

    /// Runs the load in this dialect.
    pub(crate) async fn run(&self, target: &Target, dialect: Dialect) -> Result<Outcome> {
        self.plan.check()?;
        let pairs: Vec<&[Account]> = target.accounts.chunks_exact(2).take(self.pairs as usize).collect();
        ensure!(pairs.len() == self.pairs as usize, "there are too few accounts");
        let opening = futures_util::stream::iter(pairs.into_iter().zip(0..).map(|(pair, number)| async move {
            let [from, to] = pair else { bail!("a pair has two sides") };
            let Plan { bytes, seed, .. } = self.plan;
            anyhow::Ok(Party {
                readers: vec![client::connect(target.addr, &to.token, dialect, "").await?],
                writer: client::connect(target.addr, &from.token, dialect, "").await?,
                frame: MarkedFrame::new(dialect, number, to.id, bytes, seed)?,
            })
        }));
        let parties = opening.buffered(OPENING).try_collect().await?;
        let pacing = |start, pair| match self.rate {
            Some(rate) => Pacing::schedule(start, rate, self.pairs, pair),
            None => Pacing::Window(self.window.into()),
        };
        let (board, costs) = drive(target, &self.plan, parties, pacing).await?;
        let times = board.times();
        Ok(Outcome {
            workload: "relay",
            target: target.name.clone(),
            relay: self.clone(),
            dialect,
            latency_ms: times.delivery.summary(),
            acknowledged_ms: times.acknowledgement.summary(),
            lag_ms: self.rate.map(|_| times.lag.summary()),
            sound: board.soundness(),
            costs,
        })
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, relay: Relay { pairs, window, rate, .. }, latency_ms, sound, costs, .. } = self;
        let dialect = self.dialect.as_str();
        match rate {
            Some(rate) => write!(f, "relay {target} {dialect} {pairs} pairs at {rate}/s: ")?,
            None => write!(f, "relay {target} {dialect} {pairs} pairs × {window}: ")?,
        }
        write!(f, "{:.0}/s, {latency_ms}; {sound}; {costs}", costs.per_second)
    }
}
