//! One user with many sockets, to whom a partner writes.

use anyhow::{Result, bail};
use serde::Serialize;

use crate::client;
use crate::costs::Costs;
use crate::latency::Summary;
use crate::marked_frame::{Dialect, MarkedFrame};
use crate::target::Target;
use crate::traffic::{Pacing, Party, Plan, Soundness, drive};

/// One message, many sockets.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Fanout {
    /// Sockets of the user; for more than ten the server must allow them (`FLUENT__SOCKET__MAX_PER_USER`)
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    sockets: u32,
    /// Unacknowledged messages of the partner at any time
    #[arg(
        long,
        default_value_t = 32,
        conflicts_with = "rate",
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    window: u32,
    /// Instead of a window: messages a second
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u32>,
    /// The wire that is spoken
    #[arg(long, value_enum, default_value = "legacy")]
    pub(crate) dialect: Dialect,
    #[command(flatten)]
    #[serde(flatten)]
    plan: Plan,
}

/// The result; times in milliseconds. Operations are frames.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    target: String,
    #[serde(flatten)]
    fanout: Fanout,
    /// Until a message reaches each socket.
    latency_ms: Summary,
    /// Until a message reaches the last socket.
    last_ms: Summary,
    #[serde(flatten)]
    pub(crate) sound: Soundness,
    #[serde(flatten)]
    pub(crate) costs: Costs,
}

impl Fanout {
    /// The number of accounts that it needs.
    pub(crate) const ACCOUNTS: u32 = 2;

    /// Runs the load.
    pub(crate) async fn run(&self, target: &Target) -> Result<Outcome> {
        self.plan.check()?;
        let [from, to, ..] = target.accounts.as_slice() else { bail!("there are too few accounts") };
        let Self { dialect, plan: Plan { bytes, seed, .. }, .. } = *self;
        let mut readers = Vec::new();
        for number in 0..self.sockets {
            let device = if dialect == Dialect::V1 { format!("device_id=load-{number}") } else { String::new() };
            readers.push(client::connect(target.addr, &to.token, dialect, &device).await?);
        }
        let writer = client::connect(target.addr, &from.token, dialect, "").await?;
        let party = Party { writer, frame: MarkedFrame::new(dialect, 0, to.id, bytes, seed)?, readers, partners: None };
        let pacing = |start, number| match self.rate {
            Some(rate) => Pacing::schedule(start, rate, 1, number),
            None => Pacing::Window(self.window.into()),
        };
        let (board, costs) = drive(target, &self.plan, vec![party], pacing).await?;
        let times = board.times();
        let last_ms = if self.sockets == 1 { times.delivery.summary() } else { times.last.summary() };
        Ok(Outcome {
            workload: "fanout",
            target: target.name.clone(),
            fanout: self.clone(),
            latency_ms: times.delivery.summary(),
            last_ms,
            sound: board.soundness(),
            costs,
        })
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, fanout, last_ms, sound, costs, .. } = self;
        let (dialect, sockets) = (fanout.dialect.as_str(), fanout.sockets);
        write!(f, "fanout {target} {dialect} to {sockets} sockets: {:.0} frames/s, ", costs.per_second)?;
        write!(f, "last socket {last_ms}; {sound}; {costs}")
    }
}
