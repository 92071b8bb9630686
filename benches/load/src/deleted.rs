//! The cost of pages for a user who has deleted nearly everything, compared with a user who had nothing to delete.

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::growth::epoch;
use crate::marked_frame::Dialect;
use crate::place::Place;
use crate::random::Random;
use crate::report::Spread;
use crate::requests::{Ask, Expect, Served};
use crate::stock::{self, Stock, StockedLoad};
use crate::target::Target;

/// The user who has deleted, and below the one who has not; each has a conversation with the next user.
const DELETER: u32 = 1;
const OTHER: u32 = 3;
/// Messages that are left in both conversations.
const LEFT: u64 = 20;
const KINDS: [&str; 4] = ["history", "chat_list", "conversations", "sync"];

/// Pages of two users of one store in turn, of whom one has deleted many messages "for me".
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Deletions {
    /// Messages that are deleted
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    messages: u64,
    /// Characters of each encrypted copy
    #[arg(long, default_value_t = 344, value_parser = clap::value_parser!(u32).range(1..=98_304))]
    bytes: u32,
    /// Rounds in which each page is requested
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    #[command(flatten)]
    #[serde(flatten)]
    load: StockedLoad,
}

/// One kind of page.
#[derive(Serialize)]
struct Row {
    kind: &'static str,
    without_p50_ms: Spread,
    deleted_p50_ms: Spread,
    /// The ratio of both users, round by round.
    ratio: Spread,
}

/// The result.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    target: String,
    #[serde(flatten)]
    arguments: Deletions,
    rows: Vec<Row>,
    refused: u64,
    wrong: u64,
}

impl Deletions {
    pub(crate) async fn run(&self, place: &Place) -> Result<Outcome> {
        let stock = Stock {
            name: format!("deleted-{}-{}", self.messages, self.bytes),
            users: 4,
            pairs: vec![(DELETER, DELETER + 1)],
            messages: self.messages,
            bytes: usize::try_from(self.bytes)?,
            then: Some(stock::Deleted {
                by: DELETER,
                pairs: vec![(DELETER, DELETER + 1), (OTHER, OTHER + 1)],
                messages: 2 * LEFT,
            }),
        };
        let target = place.stocked(&stock, Dialect::V1, &self.load.keep).await?;
        let epoch = epoch(&target).await?;
        let mut rounds = Vec::new();
        for round in 0..self.rounds {
            // Alternating, so that effects of running first do not always favour the same one.
            rounds.push(if round % 2 == 0 {
                let without = self.ask(&target, &epoch, OTHER).await?;
                (without, self.ask(&target, &epoch, DELETER).await?)
            } else {
                let deleted = self.ask(&target, &epoch, DELETER).await?;
                (self.ask(&target, &epoch, OTHER).await?, deleted)
            });
        }
        let rows = KINDS.into_iter().map(|kind| {
            let p50s: Vec<(f64, f64)> = rounds.iter().map(|(a, b)| (a.p50_of(kind), b.p50_of(kind))).collect();
            Row {
                kind,
                without_p50_ms: Spread::of(p50s.iter().map(|(without, _)| *without)),
                deleted_p50_ms: Spread::of(p50s.iter().map(|(_, deleted)| *deleted)),
                ratio: Spread::of(p50s.iter().map(|(without, deleted)| deleted / without)),
            }
        });
        let all = || rounds.iter().flat_map(|(a, b)| [a, b]);
        Ok(Outcome {
            workload: "deleted",
            target: target.name.clone(),
            arguments: self.clone(),
            rows: rows.collect(),
            refused: all().map(|served| served.refused).sum(),
            wrong: all().map(|served| served.wrong).sum(),
        })
    }

    async fn ask(&self, target: &Target, epoch: &str, user: u32) -> Result<Served> {
        let account = target.accounts.get(usize::try_from(user)? - 1).context("there is nobody")?;
        let messages = usize::try_from(LEFT)?;
        let ask = |random: &mut Random| {
            let kind = random.index(KINDS.len());
            let (path, times, text) = match kind {
                0 => (format!("/chat/all_messages?partnerID={}&limit=100", user + 1), messages, r#""content":"#),
                1 => ("/chat/chat_list".to_owned(), 1, r#""content":"#),
                2 => ("/chat/conversations".to_owned(), 1, r#""content":"#),
                _ => (format!("/chat/sync?since={epoch}:0"), messages, r#""type":"message""#),
            };
            Ask::get(kind, &path, &account.token, vec![Expect::exactly(times, text)])
        };
        self.load.asking.run(target, &KINDS, ask).await
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, arguments: Deletions { messages, .. }, rows, refused, wrong, .. } = self;
        write!(f, "deleted {target} {messages} messages to none, p50:")?;
        for Row { kind, without_p50_ms, deleted_p50_ms, ratio } in rows {
            write!(f, "\n  {kind:13} {deleted_p50_ms} ms to {without_p50_ms} ms: {ratio}×")?;
        }
        if refused + wrong > 0 {
            write!(f, "\n  REFUSED {refused}, WRONG {wrong}")?;
        }
        Ok(())
    }
}
