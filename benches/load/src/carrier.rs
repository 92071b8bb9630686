//! Phones behind one address, as behind a carrier's NAT, while their server is started again. All have tokens that have
//! expired meanwhile: each is answered with 401, gets a new one, and connects.

mod phone;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rustix::process::Signal;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::child::Child;
use crate::client::{self, OPENING};
use crate::database::Database;
use crate::latency::{Latencies, Summary};
use crate::marked_frame::Dialect;
use crate::place::{Place, accounts, expired_tokens};
use crate::{clock, seed};
use phone::{Met, Phone, Stage};

/// Longest time in which all must be back.
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// How long the server sends its clients away when it is stopped.
const DRAIN_S: &str = "2";

/// A restart under phones of one address.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Carrier {
    /// Phones, every second of which speaks the legacy wire
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=3500))]
    phones: u32,
    /// Longest wait for the last of them, in seconds
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    patience: u64,
    /// Decides how long each waits before it tries again
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The result.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    target: String,
    #[serde(flatten)]
    carrier: Carrier,
    /// Phones that had a socket again.
    back: u32,
    /// Seconds from the start of the new server until the last of them had one.
    all_back_s: f64,
    back_ms: Summary,
    #[serde(flatten)]
    met: Met,
    /// The first refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl Carrier {
    pub(crate) async fn run(&self, place: &Place) -> Result<Outcome> {
        let place = place.with_default_limits("limited");
        let (dir, database) = place.fresh(false).await?;
        seed::accounts(&database, self.phones, Dialect::V1).await?;
        let Database::Sqlite(path) = &database else { anyhow::bail!("the phones' tokens are made on SQLite") };
        seed::refresh_tokens(path, self.phones)?;
        let mut command = place.command(dir.path(), database.url());
        let server = Child::start(command.env("FLUENT__SERVER__DRAIN_WINDOW_S", DRAIN_S), dir.path()).await?;

        // Connected since long ago.
        let addr = server.addr;
        let phones = accounts(self.phones)?.into_iter().zip(expired_tokens(self.phones)?).zip(1_u32..);
        let connecting = stream::iter(phones.map(|((account, expired), number)| async move {
            let dialect = if number.is_multiple_of(2) { Dialect::Legacy } else { Dialect::V1 };
            let socket = client::connect(addr, &account.token, dialect, "").await?;
            anyhow::Ok((Phone::new(addr, number, dialect, expired, self.seed), socket))
        }));
        let connected: Vec<_> = connecting.buffered(OPENING).try_collect().await?;
        let (lives, mut live) = tokio::sync::mpsc::unbounded_channel();
        let (stage, told) = watch::channel(Stage::Before);
        let mut tasks = JoinSet::new();
        for (phone, socket) in connected {
            tasks.spawn(phone.outlive(socket, lives.clone(), told.clone()));
        }
        drop(lives);

        server.signal(Signal::TERM)?;
        let said = server.said();
        server.stop(Duration::from_secs(30)).await.context(said)?;
        let server = Child::start(command.env("FLUENT__SERVER__LISTEN", addr.to_string()), dir.path()).await?;
        stage.send_replace(Stage::Restarted);
        ensure!(server.addr == addr, "it is at {} now, not at {addr}", server.addr);
        let (start, deadline) = (clock::now(), Instant::now() + Duration::from_secs(self.patience));
        let (mut times, mut last, mut back) = (Latencies::new()?, start, 0);
        while back < self.phones {
            let Ok(Some(at)) = tokio::time::timeout_at(deadline, live.recv()).await else { break };
            times.note(start, at);
            last = last.max(at);
            back += 1;
        }
        stage.send_replace(Stage::Over);
        let (mut met, mut problem) = (Met::default(), None);
        while let Some(phone) = tasks.join_next().await {
            let phone: Phone = phone?;
            met.add(&phone.met);
            problem = problem.or(phone.problem);
        }
        let all_back_s = Duration::from_nanos(last.saturating_sub(start)).as_secs_f64();
        let (target, back_ms) = ("limited/sqlite".to_owned(), times.summary());
        let carrier = self.clone();
        Ok(Outcome { workload: "carrier", target, carrier, back, all_back_s, back_ms, met, problem })
    }
}

impl Outcome {
    /// Returns whether all were back in time and nobody was refused.
    pub(crate) fn holds(&self) -> bool {
        self.back == self.carrier.phones && self.all_back_s <= BACK_WITHIN.as_secs_f64() && self.met.refusals() == 0
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, carrier, back, all_back_s, back_ms, met, .. } = self;
        let Met { expired, refreshed, away, limited, banned, busy, others } = met;
        writeln!(f, "carrier {target}: {back} of {} phones back in {all_back_s:.2} s, {back_ms}", carrier.phones)?;
        write!(f, "  {expired} × 401 with an expired token, {refreshed} refreshed; {away} tries while it was away; ")?;
        write!(f, "REFUSED {} ({limited} × 429, {banned} × 403, {busy} × 503, {others} others)", met.refusals())?;
        if let Some(problem) = &self.problem {
            write!(f, "; {problem}")?;
        }
        Ok(())
    }
}
