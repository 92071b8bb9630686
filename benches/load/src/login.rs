//! Logins, whose price is a password hash, and what they do to the messages of others.

mod bare;

use std::time::Duration;

use anyhow::Result;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use serde_json::json;

use crate::client::{self, OPENING};
use crate::latency::Summary;
use crate::letter::{Dialect, Letter};
use crate::place::Place;
use crate::random::Random;
use crate::requests::{Ask, Asking, Expect, Served};
use crate::seed::PASSWORD;
use crate::target::{Account, Target};
use crate::traffic::{Pacing, Party, Plan, Soundness, drive};

/// First verifications in the tool itself, then logins alone, then messages alone, then both; each for the same time.
#[derive(Clone, Debug, clap::Args, Serialize)]
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
    /// Messages a second, of all pairs together, whatever happens
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// The wire that the pairs speak
    #[arg(long, value_enum, default_value = "v1")]
    dialect: Dialect,
    /// How long each part is measured
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// How long it runs before that
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    warmup: u64,
    /// Decides who logs in and what is written
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What came of it.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    target: String,
    #[serde(flatten)]
    login: Login,
    /// Verifications a second in the tool, on all cores.
    bare_per_second: f64,
    /// Logins to bare verifications.
    ratio: f64,
    logins: Served,
    logins_with_messages: Served,
    messages_alone: Messages,
    messages_with_logins: Messages,
}

/// Messages at a fixed rate.
#[derive(Serialize)]
struct Messages {
    latency_ms: Summary,
    lag_ms: Summary,
    #[serde(flatten)]
    sound: Soundness,
}

impl Login {
    pub(crate) async fn run(&self, place: &Place) -> Result<Outcome> {
        let target = place.server(self.users + 2 * self.pairs, self.dialect).await?;
        let (users, writers) = target.accounts.split_at(usize::try_from(self.users)?);
        let bare_per_second = bare::verifications_per_second(Duration::from_secs(self.seconds)).await?;
        let logins = self.log_in(&target, users).await?;
        let messages_alone = self.write(&target, writers).await?;
        let (logins_with_messages, messages_with_logins) =
            tokio::try_join!(Box::pin(self.log_in(&target, users)), Box::pin(self.write(&target, writers)))?;
        Ok(Outcome {
            workload: "login",
            target: target.name.clone(),
            login: self.clone(),
            bare_per_second,
            ratio: logins.costs.per_second / bare_per_second,
            logins,
            logins_with_messages,
            messages_alone,
            messages_with_logins,
        })
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
        let plan = Plan { dialect, bytes: 344, seconds, warmup, seed };
        let opening = futures_util::stream::iter(accounts.chunks_exact(2).zip(0..).map(|(pair, number)| async move {
            let [from, to] = pair else { anyhow::bail!("a pair has two sides") };
            Ok(Party {
                readers: vec![client::connect(target.addr, &to.token, dialect, "").await?],
                writer: client::connect(target.addr, &from.token, dialect, "").await?,
                letter: Letter::new(dialect, number, to.id, plan.bytes, seed)?,
            })
        }));
        let parties = opening.buffered(OPENING).try_collect().await?;
        let pacing = |start, pair| Pacing::schedule(start, rate, pairs, pair);
        let (board, _) = drive(target, &plan, parties, pacing).await?;
        let times = board.times();
        Ok(Messages { latency_ms: times.delivery.summary(), lag_ms: times.lag.summary(), sound: board.soundness() })
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, login, bare_per_second, ratio, logins, .. } = self;
        writeln!(f, "login {target} {} clients: {logins}", login.clients)?;
        writeln!(f, "  {ratio:.2} of {bare_per_second:.1} bare verifications/s")?;
        writeln!(f, "  with messages: {}", self.logins_with_messages)?;
        for (name, Messages { latency_ms, sound, .. }) in
            [("alone", &self.messages_alone), ("with logins", &self.messages_with_logins)]
        {
            writeln!(f, "  messages at {}/s {name}: {latency_ms}; {sound}", login.rate)?;
        }
        let (alone, with) = (self.messages_alone.latency_ms.p99, self.messages_with_logins.latency_ms.p99);
        write!(f, "  p99 of messages: {alone:.2} ms alone, {with:.2} ms with logins")
    }
}
