//! Logins, which cost a password hash each, and their effect on the messages of others.

mod bare;
mod outcome;

use std::time::Duration;

use anyhow::Result;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use serde_json::json;

use crate::client::{self, OPENING};
use crate::marked_frame::{Dialect, MarkedFrame};
use crate::place::Place;
use crate::random::Random;
use crate::report;
use crate::requests::{Ask, Asking, Expect, Served};
use crate::seed::PASSWORD;
use crate::target::{Account, Target};
use crate::traffic::{Pacing, Party, Plan, drive};
use bare::Bare;
pub(crate) use outcome::Outcome;
use outcome::{Messages, Round};

/// In each round verifications in the tool itself, logins alone, messages alone, and both; each for the same time, and
/// in every second round in the reverse order.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Login {
    /// Connections, each of which logs in again and again
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    clients: u32,
    /// Users who log in, in turn
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    users: u32,
    /// Pairs of other users, of whom one writes to the other
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pairs: u32,
    /// Messages a second in total, at fixed times
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// The wire that the pairs speak
    #[arg(long, value_enum, default_value = "v1")]
    dialect: Dialect,
    /// Rounds of all measurements
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// How long each part of a round is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// How long it runs before that
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    warmup: u64,
    /// How nice the verifications in the tool are: as the server's hashes
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(i32).range(0..=19))]
    nice: i32,
    /// Decides who logs in and what is written
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Login {
    pub(crate) async fn run(&self, place: &Place) -> Result<Outcome> {
        let target = place.server(self.users + 2 * self.pairs, self.dialect).await?;
        let (users, writers) = target.accounts.split_at(usize::try_from(self.users)?);
        let mut rounds = Vec::new();
        for number in 0..self.rounds {
            let round = if number % 2 == 0 {
                let (bare, logins) = (self.verify().await?, self.log_in(&target, users).await?);
                let messages_alone = self.write(&target, writers).await?;
                let (logins_with_messages, messages_with_logins) = self.both(&target, users, writers).await?;
                Round { bare, logins, messages_alone, logins_with_messages, messages_with_logins }
            } else {
                let (logins_with_messages, messages_with_logins) = self.both(&target, users, writers).await?;
                let messages_alone = self.write(&target, writers).await?;
                let logins = self.log_in(&target, users).await?;
                Round { bare: self.verify().await?, logins, messages_alone, logins_with_messages, messages_with_logins }
            };
            report::say(&round.to_string());
            rounds.push(round);
        }
        Ok(Outcome::new(&target.name, self, rounds))
    }

    async fn verify(&self) -> Result<Bare> {
        bare::verify(Duration::from_secs(self.seconds), self.nice).await
    }

    async fn both(&self, target: &Target, users: &[Account], writers: &[Account]) -> Result<(Served, Messages)> {
        tokio::try_join!(Box::pin(self.log_in(target, users)), Box::pin(self.write(target, writers)))
    }

    async fn log_in(&self, target: &Target, users: &[Account]) -> Result<Served> {
        let Self { clients, seconds, warmup, seed, .. } = *self;
        let ask = |random: &mut Random| {
            let name = random.pick(users).map_or_else(String::new, |user| format!("load-{}", user.id));
            let body = json!({"username": name, "password": PASSWORD});
            Ask::post(0, "/auth/login", None, &body, vec![Expect::exactly(1, r#""access_token":"#)])
        };
        Asking { clients, seconds, warmup, seed }.run(target, &["login"], ask).await
    }

    async fn write(&self, target: &Target, accounts: &[Account]) -> Result<Messages> {
        let Self { dialect, seconds, warmup, seed, rate, pairs, .. } = *self;
        let plan = Plan { bytes: 344, seconds, warmup, seed };
        let opening = futures_util::stream::iter(accounts.chunks_exact(2).zip(0..).map(|(pair, number)| async move {
            let [from, to] = pair else { anyhow::bail!("a pair has two sides") };
            Ok(Party {
                readers: vec![client::connect(target.addr, &to.token, dialect, "").await?],
                writer: client::connect(target.addr, &from.token, dialect, "").await?,
                frame: MarkedFrame::new(dialect, number, to.id, plan.bytes, seed)?,
                partners: None,
            })
        }));
        let parties = opening.buffered(OPENING).try_collect().await?;
        let pacing = |start, pair| Pacing::schedule(start, rate, pairs, pair);
        let (board, _) = drive(target, &plan, parties, pacing).await?;
        let times = board.times();
        Ok(Messages { latency_ms: times.delivery.summary(), lag_ms: times.lag.summary(), sound: board.soundness() })
    }
}
