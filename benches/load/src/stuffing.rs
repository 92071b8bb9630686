//! Guesses of passwords from many addresses at once, and what they do to the owner of an account and to messages.

use std::cell::RefCell;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::bystanders::{Bystanders, Plan};
use crate::latency::{Latencies, Summary};
use crate::marked_frame::Dialect;
use crate::place::Place;
use crate::report;
use crate::requests::Connection;
use crate::seed::PASSWORD;
use crate::target::Target;
use crate::traffic::Soundness;
use crate::{clock, http};

/// The owner's address, from which an account is known once it has logged in.
const HOME: &str = "198.51.100.7";
/// The pause between two logins of the owner.
const OWNERS_PAUSE: Duration = Duration::from_millis(250);

/// Without guesses, then guesses on one account, then guesses on many names, each for the same time.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Stuffing {
    /// Addresses that the guesses come from, half of them IPv6
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(2..=65_536))]
    addresses: u32,
    /// Guesses of each part
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    guesses: u32,
    /// How long each part takes
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Connections of the proxy that brings the guesses
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    #[command(flatten)]
    bystanders: Plan,
    /// Decides what is written
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Whose passwords are guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Guessed {
    Nobody,
    OneAccount,
    ManyNames,
}

/// One part.
#[derive(Serialize)]
struct Part {
    guessed: Guessed,
    /// Guesses by the status of the answer.
    wrong: u64,
    limited: u64,
    busy: u64,
    others: u64,
    /// Passwords that were hashed, the owner's among them.
    hashed: f64,
    owner_logins: u64,
    owner_refused: u64,
    owner_ms: Summary,
    message_ms: Summary,
    #[serde(flatten)]
    sound: Soundness,
}

/// The result of all parts.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    target: String,
    #[serde(flatten)]
    stuffing: Stuffing,
    parts: Vec<Part>,
}

#[derive(Default)]
struct Counts {
    wrong: u64,
    limited: u64,
    busy: u64,
    others: u64,
}

impl Stuffing {
    pub(crate) async fn run(&self, place: &Place) -> Result<Outcome> {
        let target = place.with_guarded_logins("guarded").server(1 + 2 * self.bystanders.pairs, Dialect::V1).await?;
        let mut parts = Vec::new();
        for guessed in [Guessed::Nobody, Guessed::OneAccount, Guessed::ManyNames] {
            let part =
                self.part(&target, guessed).await.with_context(|| format!("{}: {}", target.name, target.said()))?;
            report::say(&part.to_string());
            parts.push(part);
        }
        Ok(Outcome { workload: "stuffing", target: target.name.clone(), stuffing: self.clone(), parts })
    }

    async fn part(&self, target: &Target, guessed: Guessed) -> Result<Part> {
        // Known from home, before it begins.
        let mut owner = Connection::open(target.addr).await?;
        let first = owner.ask(&login(HOME, "load-1", PASSWORD)).await?.status;
        ensure!(first == 200, "the owner's first login was answered with {first}");
        let (_, bystanders) = target.accounts.split_at(1);
        let witness = Bystanders::begin(target, bystanders, self.bystanders, self.seed).await?;
        let count_hashes =
            || async { anyhow::Ok(hashed(&http::get(target.admin.context("no metrics")?, "/metrics").await?)) };
        let before = count_hashes().await?;
        let (from, until) = (clock::now(), Instant::now() + Duration::from_secs(self.seconds));
        let counts = RefCell::new(Counts::default());
        let guessing = async {
            if guessed != Guessed::Nobody {
                let each = |connection| self.guess(target, guessed, connection, until, &counts);
                try_join_all((0..self.connections).map(each)).await?;
            }
            anyhow::Ok(())
        };
        let ((), (owner_ms, owner_logins, owner_refused)) = tokio::try_join!(guessing, at_home(&mut owner, until))?;
        let (to, hashed) = (clock::now(), count_hashes().await? - before);
        let witness = witness.end().await?;
        let message_ms = witness.between(from, to)?;
        let Counts { wrong, limited, busy, others } = counts.into_inner();
        let sound = witness.sound;
        Ok(Part {
            guessed,
            wrong,
            limited,
            busy,
            others,
            hashed,
            owner_logins,
            owner_refused,
            owner_ms,
            message_ms,
            sound,
        })
    }

    /// Guesses on one connection at its share of the rate.
    async fn guess(
        &self,
        target: &Target,
        guessed: Guessed,
        connection: u32,
        until: Instant,
        counts: &RefCell<Counts>,
    ) -> Result<()> {
        let mut stream = Connection::open(target.addr).await?;
        let start = Instant::now();
        let gap = Duration::from_secs(self.seconds) / self.guesses;
        for number in (connection..self.guesses).step_by(usize::try_from(self.connections)?) {
            let due = start + gap * number;
            if due > until {
                break;
            }
            sleep_until(due).await;
            let name = match guessed {
                Guessed::ManyNames => format!("victim-{}", number % (20 * self.addresses)),
                Guessed::OneAccount | Guessed::Nobody => "load-1".to_owned(),
            };
            let request = login(&address(number % self.addresses), &name, "not the password");
            let status = stream.ask(&request).await?.status;
            let mut counts = counts.borrow_mut();
            match status {
                401 => counts.wrong += 1,
                429 => counts.limited += 1,
                503 => counts.busy += 1,
                _ => counts.others += 1,
            }
        }
        Ok(())
    }
}

/// Logs the owner in again and again. Returns the times, and how many logins there were and were refused.
async fn at_home(owner: &mut Connection, until: Instant) -> Result<(Summary, u64, u64)> {
    let (mut times, mut logins, mut refused) = (Latencies::new()?, 0, 0);
    while Instant::now() < until {
        let start = clock::now();
        let status = owner.ask(&login(HOME, "load-1", PASSWORD)).await?.status;
        times.note(start, clock::now());
        logins += 1;
        refused += u64::from(status != 200);
        sleep_until(Instant::now() + OWNERS_PAUSE).await;
    }
    Ok((times.summary(), logins, refused))
}

/// Returns a login that a proxy brings from an address.
fn login(from: &str, name: &str, password: &str) -> Vec<u8> {
    let body = json!({"username": name, "password": password}).to_string();
    format!(
        "POST /auth/login HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {from}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Returns an address of its own for each number.
fn address(number: u32) -> String {
    let [_, _, high, low] = number.to_be_bytes();
    if number.is_multiple_of(2) {
        format!("127.{}.{high}.{low}", 1 + number % 7)
    } else {
        format!("2001:db8:{high:x}:{low:x}::1")
    }
}

/// Returns how many passwords the server has hashed.
fn hashed(metrics: &str) -> f64 {
    let count = metrics.lines().find_map(|line| line.strip_prefix("fluent_password_hash_duration_seconds_count "));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or_default()
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { guessed, wrong, limited, busy, others, hashed, .. } = self;
        writeln!(
            f,
            "stuffing {guessed:?}: {wrong} × 401, {limited} × 429, {busy} × 503, {others} others; {hashed} hashes"
        )?;
        let Self { owner_logins, owner_refused, owner_ms, .. } = self;
        writeln!(f, "  owner at home: {owner_logins} logins, {owner_refused} REFUSED; {owner_ms}")?;
        write!(f, "  messages: {}; {}", self.message_ms, self.sound)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ratio = |figure: fn(&Part) -> f64| {
            let alone = self.parts.first().map_or(f64::NAN, figure);
            self.parts.iter().skip(1).map(|part| format!("{:.2}", figure(part) / alone)).collect::<Vec<_>>().join(", ")
        };
        writeln!(f, "stuffing {}: beside guesses on one account, on many names, against alone:", self.target)?;
        writeln!(f, "  p99 of the owner's login × {}", ratio(|part| part.owner_ms.p99))?;
        write!(f, "  p99 of messages × {}", ratio(|part| part.message_ms.p99))
    }
}
