//! Guesses of passwords from many addresses at once, and what they do to the owner of an account and to messages.

mod outcome;

use std::cell::RefCell;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::bystanders::{Bystanders, Plan};
use crate::costs::{Costs, Snapshot};
use crate::latency::{Latencies, Summary};
use crate::marked_frame::Dialect;
use crate::place::Place;
use crate::report;
use crate::requests::Connection;
use crate::seed::PASSWORD;
use crate::target::Target;
use crate::{clock, http};
pub(crate) use outcome::Outcome;
use outcome::Part;

/// The owner's address, from which an account is known once it has logged in.
const HOME: &str = "198.51.100.7";

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
    /// Rounds of all parts, whose medians count
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Milliseconds from an answer to the owner until the next login
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(0..=60_000))]
    owner_pause_ms: u64,
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

#[derive(Default)]
struct Counts {
    wrong: u64,
    limited: u64,
    busy: u64,
    others: u64,
}

impl Stuffing {
    pub(crate) async fn run(&self, place: &Place) -> Result<Outcome> {
        let place = place.with_guarded_logins("guarded");
        let (mut rounds, mut name) = (Vec::new(), String::new());
        for _ in 0..self.rounds {
            // Limits begin anew.
            let target = place.server(1 + 2 * self.bystanders.pairs, Dialect::V1).await?;
            let part = async |guessed| {
                let part = self.part(&target, guessed).await;
                let part = part.with_context(|| format!("{}: {}", target.name, target.said()))?;
                report::say(&part.to_string());
                anyhow::Ok(part)
            };
            rounds.push([
                part(Guessed::Nobody).await?,
                part(Guessed::OneAccount).await?,
                part(Guessed::ManyNames).await?,
            ]);
            name.clone_from(&target.name);
        }
        Ok(Outcome::of(name, self.clone(), rounds))
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
        let (before, idle) = (count_hashes().await?, Snapshot::take(target, 0).await?);
        let (from, until) = (clock::now(), Instant::now() + Duration::from_secs(self.seconds));
        let counts = RefCell::new(Counts::default());
        let guessing = async {
            if guessed != Guessed::Nobody {
                let each = |connection| self.guess(target, guessed, connection, until, &counts);
                try_join_all((0..self.connections).map(each)).await?;
            }
            anyhow::Ok(())
        };
        let ((), (owner_ms, owner_logins, owner_refused)) =
            tokio::try_join!(guessing, self.at_home(&mut owner, until))?;
        let costs = Costs::between(target, &idle, &Snapshot::take(target, 0).await?);
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
            server_cores: costs.server_cores,
            tool_cores: costs.tool_cores,
            other_cores: costs.other_cores,
            sound,
        })
    }

    /// Logs the owner in again and again. Returns the times, and how many logins there were and were refused.
    async fn at_home(&self, owner: &mut Connection, until: Instant) -> Result<(Summary, u64, u64)> {
        let (mut times, mut logins, mut refused) = (Latencies::new()?, 0, 0);
        while Instant::now() < until {
            let start = clock::now();
            let status = owner.ask(&login(HOME, "load-1", PASSWORD)).await?.status;
            times.note(start, clock::now());
            logins += 1;
            refused += u64::from(status != 200);
            sleep_until(Instant::now() + Duration::from_millis(self.owner_pause_ms)).await;
        }
        Ok((times.summary(), logins, refused))
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
