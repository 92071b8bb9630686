//! The cost of a page in a large store, compared with the same page in a small one.

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::marked_frame::Dialect;
use crate::place::Place;
use crate::random::Random;
use crate::report::Spread;
use crate::requests::{Ask, Connection, Expect, Served};
use crate::stock::{Stock, StockedLoad};
use crate::target::Target;

/// Users in a ring, who write to the next ones.
const USERS: u32 = 20;
/// Partners of a user in each direction of the ring.
const NEXT: u32 = 5;
const PARTNERS: usize = 2 * NEXT as usize;
const CONVERSATIONS: u32 = USERS * NEXT;
/// Messages of a page of history, and events of a page of a replay.
const PAGE: u64 = 20;
const EVENTS: u64 = 100;
const KINDS: [&str; 5] = ["history", "chat_list", "conversations", "sync", "search"];

/// Pages of every kind, from stores of two sizes in turn.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Growth {
    /// Messages in the small store
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(10_000..=1_000_000_000))]
    small: u64,
    /// Messages in the large store
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10_000..=1_000_000_000))]
    large: u64,
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
    small_p50_ms: Spread,
    large_p50_ms: Spread,
    /// The ratio of large to small, round by round.
    ratio: Spread,
}

/// The result.
#[derive(Serialize)]
pub(crate) struct Grown {
    workload: &'static str,
    target: String,
    #[serde(flatten)]
    arguments: Growth,
    rows: Vec<Row>,
    refused: u64,
    wrong: u64,
}

/// A filled store, and the data that requests to it need.
struct Filled {
    target: Target,
    messages: u64,
    epoch: String,
}

impl Growth {
    pub(crate) async fn run(&self, place: &Place) -> Result<Grown> {
        let small = self.fill(place, self.small).await?;
        let large = self.fill(place, self.large).await?;
        let mut rounds = Vec::new();
        for round in 0..self.rounds {
            // Alternating, so that effects of running first do not always favour the same one.
            rounds.push(if round % 2 == 0 {
                let first = self.ask(&small).await?;
                (first, self.ask(&large).await?)
            } else {
                let second = self.ask(&large).await?;
                (self.ask(&small).await?, second)
            });
        }
        let rows = KINDS.into_iter().map(|kind| {
            let p50s: Vec<(f64, f64)> = rounds.iter().map(|(a, b)| (a.p50_of(kind), b.p50_of(kind))).collect();
            Row {
                kind,
                small_p50_ms: Spread::of(p50s.iter().map(|(small, _)| *small)),
                large_p50_ms: Spread::of(p50s.iter().map(|(_, large)| *large)),
                ratio: Spread::of(p50s.iter().map(|(small, large)| large / small)),
            }
        });
        let all = || rounds.iter().flat_map(|(a, b)| [a, b]);
        Ok(Grown {
            workload: "growth",
            target: small.target.name.clone(),
            arguments: self.clone(),
            rows: rows.collect(),
            refused: all().map(|served| served.refused).sum(),
            wrong: all().map(|served| served.wrong).sum(),
        })
    }

    async fn fill(&self, place: &Place, messages: u64) -> Result<Filled> {
        let next = |user: u32| (1..=NEXT).map(move |step| (user + 1, (user + step) % USERS + 1));
        let stock = Stock {
            name: format!("growth-{messages}-{}", self.bytes),
            users: USERS,
            pairs: (0..USERS).flat_map(next).collect(),
            messages,
            bytes: usize::try_from(self.bytes)?,
            then: None,
        };
        let target = place.stocked(&stock, Dialect::V1, &self.load.keep).await?;
        let epoch = epoch(&target).await?;
        Ok(Filled { target, messages, epoch })
    }

    async fn ask(&self, filled: &Filled) -> Result<Served> {
        let Filled { target, messages, epoch } = filled;
        let ask = |random: &mut Random| {
            let kind = random.index(KINDS.len());
            let user = random.below(USERS.into());
            let partner = (user + 1 + random.below(NEXT.into())) % u64::from(USERS) + 1;
            let token = usize::try_from(user).ok().and_then(|user| target.accounts.get(user));
            let token = token.map_or("", |account| &account.token);
            let (path, expected) = match kind {
                0 => {
                    // High enough that no page reaches the beginning of its conversation.
                    let least = (PAGE + 1) * u64::from(CONVERSATIONS);
                    let before = least + random.below(messages - least);
                    let path = format!("/chat/all_messages?partnerID={partner}&before_id={before}&limit={PAGE}");
                    (path, Expect::exactly(20, r#""content":"#))
                }
                1 => ("/chat/chat_list".to_owned(), Expect::exactly(PARTNERS, r#""content":"#)),
                2 => ("/chat/conversations?limit=100".to_owned(), Expect::exactly(PARTNERS, r#""content":"#)),
                3 => {
                    // A tenth of all messages are this user's; half of the smaller store is left for a page.
                    let since = random.below(messages / 2);
                    let path = format!("/chat/sync?since={epoch}:{since}&limit={EVENTS}");
                    (path, Expect::exactly(100, r#""type":"message""#))
                }
                _ => (
                    format!("/users/search?query={}", ["a", "an", "er"][random.index(3)]),
                    Expect::exactly(0, "\"detail\""),
                ),
            };
            Ask::get(kind, &path, token, vec![expected])
        };
        self.load.asking.run(target, &KINDS, ask).await
    }
}

/// Returns the epoch of a store.
pub(crate) async fn epoch(target: &Target) -> Result<String> {
    #[derive(Deserialize)]
    struct Page {
        cursor: String,
    }
    let token = target.accounts.first().context("there is nobody")?.token.clone();
    let ask = Ask::get(0, "/chat/sync?limit=1", &token, Vec::new());
    let mut connection = Connection::open(target.addr).await?;
    let answer = connection.ask(&ask.request).await?;
    ensure!(answer.status == 200, "{}: {}", answer.status, String::from_utf8_lossy(answer.body));
    let page: Page = serde_json::from_slice(answer.body).context("no page of events")?;
    Ok(page.cursor.split(':').next().unwrap_or_default().to_owned())
}

impl std::fmt::Display for Grown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, arguments: Growth { small, large, .. }, rows, refused, wrong, .. } = self;
        write!(f, "growth {target} {large} messages to {small}, p50:")?;
        for Row { kind, small_p50_ms, large_p50_ms, ratio } in rows {
            write!(f, "\n  {kind:13} {large_p50_ms} ms to {small_p50_ms} ms: {ratio}×")?;
        }
        if refused + wrong > 0 {
            write!(f, "\n  REFUSED {refused}, WRONG {wrong}")?;
        }
        Ok(())
    }
}
