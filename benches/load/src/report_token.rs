//! What report tokens cost: the time to make one, as a part of the processor time that the server needs for a message.
//!
//! A receiver's frame has a token whether or not anybody ever reports, and no setting leaves it out. So what it costs
//! is measured by itself, with the server's own code, and in turn with messages that are sent through the server.

use std::hint::black_box;

use anyhow::{Context as _, Result, ensure};
use fluent_backend::domain::{Attested, ConversationId, FrankingTag, MessageId, Timestamp, UserId};
use fluent_backend::protocol::franking::ReportTokens;
use serde::Serialize;

use crate::clock;
use crate::marked_frame::Dialect;
use crate::place::Place;
use crate::relay::Relay;
use crate::report::{self, Spread};

/// Largest part of a message's processor time that is promised.
const PROMISED: f64 = 0.015;
/// Tokens that are made in a row.
const BATCH: i32 = 10_000;
/// Batches of a round, whose median counts.
const BATCHES: usize = 51;

/// Messages of fluent.v1, and tokens by themselves, in turn.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct ReportToken {
    /// Rounds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    #[command(flatten)]
    #[serde(flatten)]
    relay: Relay,
}

/// The result of all rounds.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    target: String,
    #[serde(flatten)]
    report_token: ReportToken,
    /// Processor time of the server for each message.
    message_us: Spread,
    token_us: Spread,
    /// Token to message, round by round.
    part: Spread,
}

impl ReportToken {
    pub(crate) async fn run(&self, place: &Place) -> Result<Outcome> {
        let (mut messages, mut tokens, mut name) = (Vec::new(), Vec::new(), String::new());
        for _ in 0..self.rounds {
            let target = place.server(self.relay.accounts(), Dialect::V1).await?;
            let outcome = self.relay.run(&target, Dialect::V1).await?;
            report::say(&outcome.to_string());
            ensure!(outcome.sound.holds(), "messages were lost, came twice or out of order");
            messages.push(outcome.costs.cpu_us.context("the server's processor time is not known")?);
            name.clone_from(&target.name);
            drop(target);
            tokens.push(micros_a_token()?);
        }
        let parts = tokens.iter().zip(&messages).map(|(token, message)| token / message);
        Ok(Outcome {
            workload: "report_token",
            target: name,
            report_token: self.clone(),
            part: Spread::of(parts),
            message_us: Spread::of(messages),
            token_us: Spread::of(tokens),
        })
    }
}

/// Returns the time to make a token and to write it into a frame, in microseconds: of a message with a tag, which has
/// more to authenticate than one without.
fn micros_a_token() -> Result<f64> {
    let tokens = ReportTokens::new(&[7; 32])?;
    let tag = FrankingTag::parse(&"A".repeat(43));
    ensure!(tag.is_some(), "a tag that is none");
    let mut frame = String::with_capacity(1024);
    let mut batches = Vec::new();
    for _ in 0..BATCHES {
        let from = clock::now();
        for number in 0..BATCH {
            let attested = Attested {
                message: MessageId(number.into()),
                conversation: ConversationId(5),
                sender: UserId(7),
                receiver: UserId(number),
                timestamp: Timestamp::from_micros(1_795_000_000_123_456),
                tag,
            };
            let token = tokens.token(black_box(&attested)).context("no token")?;
            frame.clear();
            frame.push_str(",\"report_token\":\"");
            frame.push_str(token.as_str());
            frame.push('"');
            black_box(&frame);
        }
        let took = u32::try_from(clock::now() - from)?;
        batches.push(f64::from(took) / f64::from(BATCH) / 1000.0);
    }
    Ok(Spread::of(batches).median)
}

impl Outcome {
    /// Returns whether tokens cost no more than promised.
    pub(crate) fn holds(&self) -> bool {
        self.part.median <= PROMISED
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, report_token, message_us, token_us, part, .. } = self;
        writeln!(f, "report_token {target}, {} rounds, median (min–max):", report_token.rounds)?;
        writeln!(f, "  a message {message_us:.2} CPU-µs, its token {token_us:.3} µs")?;
        write!(f, "  part {part:.4} (promised: {PROMISED})")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_token_takes_some_time() {
        let micros = super::micros_a_token().unwrap();
        assert!(micros > 0.0 && micros.is_finite());
    }
}
