//! Messages alone, beside transfers at the same server, and beside the same transfers at the bare server: what the
//! last does to them is the machine's doing.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::line::Content;
use super::moving::{Rates, RatesOver, TRANSFERS, transfer};
use super::side::{Kind, Side};
use super::{Media, SETTLE};
use crate::bystanders::Bystanders;
use crate::clock;
use crate::latency::Summary;
use crate::place::Place;
use crate::report::{self, Spread};
use crate::traffic::Soundness;

/// What runs beside messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    Nothing,
    Server,
    Bare,
}

/// The times of messages beside one thing, over all rounds, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Times {
    pub(super) p50: Spread,
    pub(super) p99: Spread,
}

/// The result.
#[derive(Debug, Serialize)]
pub(super) struct Messages {
    transfers: u32,
    pub(super) alone_ms: Times,
    pub(super) beside_ms: Times,
    /// How fast the transfers went beside them.
    transfers_beside: RatesOver,
    /// Beside transfers at the bare server.
    pub(super) beside_bare_ms: Times,
    transfers_bare: RatesOver,
    /// The 99th percentile beside transfers to that alone, round by round.
    pub(super) p99_ratio: Spread,
    pub(super) p99_bare_ratio: Spread,
    #[serde(flatten)]
    sound: Soundness,
}

pub(super) async fn measure(media: &Media, place: &Place, content: &Content) -> Result<Messages> {
    let accounts = TRANSFERS + 2 * media.bystanders.pairs;
    let server = Side::start(Kind::Server, place, accounts).await?.context("no server")?;
    let bare = Side::start(Kind::Bare, place, 0).await?.context("no bare server")?;
    let said = || format!("{}: {}", server.target.name, server.target.said());
    Box::pin(measure_on(media, &server, &bare, content)).await.with_context(said)
}

async fn measure_on(media: &Media, server: &Side, bare: &Side, content: &Content) -> Result<Messages> {
    let (_, writers) = server.target.accounts.split_at_checked(TRANSFERS as usize).context("too few accounts")?;
    let bystanders = Bystanders::begin(&server.target, writers, media.bystanders, media.seed).await?;
    let mut windows = Vec::new();
    for number in 0..media.rounds {
        let mut order = [Beside::Nothing, Beside::Server, Beside::Bare];
        if number % 2 == 1 {
            order.reverse();
        }
        for beside in order {
            sleep(SETTLE).await;
            let from = clock::now();
            let until = Instant::now() + Duration::from_secs(media.seconds);
            let rates = match beside {
                Beside::Nothing => {
                    sleep(Duration::from_secs(media.seconds)).await;
                    Rates::default()
                }
                Beside::Server => transfer(media, server, content, until).await?,
                Beside::Bare => transfer(media, bare, content, until).await?,
            };
            windows.push((beside, rates, from, from + clock::nanos(Duration::from_secs(media.seconds))));
        }
    }
    let witness = bystanders.end().await?;
    let mut summaries = Vec::new();
    for (beside, rates, from, to) in windows {
        let summary = witness.between(from, to)?;
        report::say(&format!("media messages beside {beside:?}: {summary}; {rates}"));
        summaries.push((beside, (summary, rates)));
    }
    let of = |wanted: Beside| -> (Vec<Summary>, Vec<Rates>) {
        summaries.iter().filter(|(beside, _)| *beside == wanted).map(|(_, both)| *both).unzip()
    };
    let ((alone, _), (beside, rates), (beside_bare, rates_bare)) =
        (of(Beside::Nothing), of(Beside::Server), of(Beside::Bare));
    let ratio = |these: &[Summary]| Spread::of(these.iter().zip(&alone).map(|(this, alone)| this.p99 / alone.p99));
    Ok(Messages {
        transfers: TRANSFERS,
        alone_ms: Times::of(&alone),
        beside_ms: Times::of(&beside),
        transfers_beside: RatesOver::of(&rates),
        beside_bare_ms: Times::of(&beside_bare),
        transfers_bare: RatesOver::of(&rates_bare),
        p99_ratio: ratio(&beside),
        p99_bare_ratio: ratio(&beside_bare),
        sound: witness.sound,
    })
}

impl Times {
    fn of(summaries: &[Summary]) -> Self {
        let spread = |figure: fn(&Summary) -> f64| Spread::of(summaries.iter().map(figure));
        Self { p50: spread(|summary| summary.p50), p99: spread(|summary| summary.p99) }
    }
}

impl std::fmt::Display for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { transfers, alone_ms, beside_ms, transfers_beside, beside_bare_ms, .. } = self;
        let Self { transfers_bare, p99_ratio, p99_bare_ratio, sound, .. } = self;
        writeln!(f, "  messages      p50 {:.2} p99 {:.2} ms alone", alone_ms.p50, alone_ms.p99)?;
        writeln!(
            f,
            "    beside {transfers} transfers p50 {:.2} p99 {:.2} ms, p99 {p99_ratio:.2}×; {transfers_beside}",
            beside_ms.p50, beside_ms.p99
        )?;
        writeln!(
            f,
            "    beside the same at the bare server p50 {:.2} p99 {:.2} ms, p99 {p99_bare_ratio:.2}×; {transfers_bare}",
            beside_bare_ms.p50, beside_bare_ms.p99
        )?;
        write!(f, "    {sound}")
    }
}
