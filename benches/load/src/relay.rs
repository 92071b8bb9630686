//! Pairs of users, of whom one writes to the other.
//!
//! Closed loop: each writer always has the same number of unacknowledged messages. Open loop: messages are due at fixed
//! times whatever the server does, and their latency counts from then, so that a server that stops for a while is not
//! spared the messages of that time.
//!
//! With receipts, the other reports each message as delivered and then as read, and a message counts, and leaves the
//! window, when its writer knows that it was read.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use tokio::time::timeout;

use crate::client::{self, OPENING};
use crate::clock;
use crate::costs::Costs;
use crate::http;
use crate::latency::Summary;
use crate::marked_frame::{Dialect, MIN_BYTES, MarkedFrame, Seen, scan};
use crate::socket::Socket;
use crate::target::{Account, Target};
use crate::traffic::{Pacing, Partners, Party, Plan, Soundness, drive};

/// Longest wait until two users are partners.
const PARTNERS: Duration = Duration::from_mins(1);

/// A point on P-256, the generator (FIPS 186-4, D.1.2.3), uncompressed, in base64url.
const POINT: &str = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";

/// A load of messages.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Relay {
    /// Pairs of users; the first writes to the second
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub(crate) pairs: u32,
    /// Unacknowledged messages of each pair at any time; with --receipts, messages that are not known to be read
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
    /// Report each message as delivered and then as read, and count those whose `read` came back to the sender; on v1
    #[arg(long)]
    pub(crate) receipts: bool,
    /// The second of each pair is not connected: messages count when they are acknowledged
    #[arg(long, conflicts_with = "receipts")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) offline: bool,
    /// The device of the second is registered to be woken; the server must offer Web Push, as with
    /// `FLUENT__PUSH__WEBPUSH__CONTACT=mailto:you@example.org` in the environment
    #[arg(long, requires = "offline")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) registered: bool,
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
    /// From the intended sending until the sender knows that it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) read_ms: Option<Summary>,
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

    /// Checks that it can be carried out in this dialect, and returns the dialect; by default the one that it needs.
    pub(crate) fn dialect(&self, chosen: Option<Dialect>) -> Result<Dialect> {
        let needed = if self.receipts { Dialect::V1 } else { Dialect::Legacy };
        let dialect = chosen.unwrap_or(needed);
        ensure!(!self.receipts || dialect == needed, "--receipts needs --dialect v1: the legacy wire has no receipts");
        Ok(dialect)
    }

    /// Runs the load in this dialect.
    pub(crate) async fn run(&self, target: &Target, dialect: Dialect) -> Result<Outcome> {
        self.plan.check()?;
        self.dialect(Some(dialect))?;
        let pairs: Vec<&[Account]> = target.accounts.chunks_exact(2).take(self.pairs as usize).collect();
        ensure!(pairs.len() == self.pairs as usize, "there are too few accounts");
        let opening = futures_util::stream::iter(pairs.into_iter().zip(0..).map(|(pair, number)| async move {
            let [from, to] = pair else { bail!("a pair has two sides") };
            let Plan { bytes, seed, .. } = self.plan;
            if self.registered {
                register(target, to).await?;
            }
            let mut readers = Vec::new();
            if !self.offline {
                readers.push(client::connect(target.addr, &to.token, dialect, "").await?);
            }
            let mut writer = client::connect(target.addr, &from.token, dialect, "").await?;
            if let Some(reader) = readers.first_mut().filter(|_| self.receipts) {
                let first = MarkedFrame::new(dialect, number, from.id, MIN_BYTES, seed)?;
                let becoming = become_partners(reader, &mut writer, first);
                timeout(PARTNERS, becoming).await.context("two users did not become partners in time")??;
            }
            anyhow::Ok(Party {
                readers,
                writer,
                frame: MarkedFrame::new(dialect, number, to.id, bytes, seed)?,
                partners: self.receipts.then_some(Partners { writer: from.id, reader: to.id }),
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
            read_ms: self.receipts.then(|| times.read.summary()),
            lag_ms: self.rate.map(|_| times.lag.summary()),
            sound: board.soundness(),
            costs,
        })
    }
}

/// Registers a device to be woken at a service that no look-up finds.
async fn register(target: &Target, user: &Account) -> Result<()> {
    let keys = serde_json::json!({"p256dh": POINT, "auth": "AAAAAAAAAAAAAAAAAAAAAA"});
    let endpoint = format!("https://push-{}.example.invalid/{}", user.id % 64, user.id);
    let body = serde_json::json!({"provider": "webpush", "endpoint": endpoint, "keys": keys});
    http::put(target.addr, "/push/targets/load", &user.token, &body).await.map(drop)
}

/// Lets the reader write to the writer, who would otherwise be told nothing of what the reader has and has read.
async fn become_partners(reader: &mut Socket, writer: &mut Socket, mut frame: MarkedFrame) -> Result<()> {
    reader.queue(frame.write(0, clock::now()));
    until(reader, |seen| matches!(seen, Seen::Acknowledged(_))).await?;
    until(writer, |seen| matches!(seen, Seen::Received(_))).await
}

/// Reads until a frame comes that is the one.
async fn until(socket: &mut Socket, is_it: impl Fn(Seen) -> bool) -> Result<()> {
    loop {
        while let Some(frame) = socket.next()? {
            if is_it(scan(frame)) {
                return Ok(());
            }
        }
        socket.transfer().await?;
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, relay, latency_ms, sound, costs, .. } = self;
        let Relay { pairs, window, rate, receipts, .. } = relay;
        let dialect = self.dialect.as_str();
        match rate {
            Some(rate) => write!(f, "relay {target} {dialect} {pairs} pairs at {rate}/s: ")?,
            None => write!(f, "relay {target} {dialect} {pairs} pairs × {window}: ")?,
        }
        let what = match (receipts, relay.offline, relay.registered) {
            (true, ..) => " read",
            (_, true, true) => " to devices that are to be woken",
            (_, true, false) => " to nobody who is there",
            _ => "",
        };
        write!(f, "{:.0}/s{what}, {latency_ms}; ", costs.per_second)?;
        if let Some(read_ms) = &self.read_ms {
            write!(f, "known to be read {read_ms}; ")?;
        }
        write!(f, "{sound}; {costs}")
    }
}
