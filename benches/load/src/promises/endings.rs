//! Logins that end at one server while their socket is at another: by a logout, a new password, or the end of the
//! account. Each socket must be closed with 4001, and each token refused there. In the last third NATS is away.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::servers::Servers;
use super::{PATIENCE, Verdict, end_of};
use crate::client;
use crate::clock;
use crate::latency::{Latencies, Summary};
use crate::marked_frame::Dialect;
use crate::place::Where;
use crate::progress::Progress;
use crate::requests::{Ask, Connection};
use crate::seed::PASSWORD;
use crate::target::Account;

/// Endings at once: most cost the server a password hash.
const AT_ONCE: usize = 4;
/// Between two looks whether a token is refused.
const PAUSE: Duration = Duration::from_millis(10);
/// Below what all endings should be with NATS and without, at the 99th percentile: reported, not judged.
const BARS_MS: [u32; 2] = [200, 500];
const ENDED: u16 = 4001;

/// Logins that end elsewhere.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Endings {
    /// Servers, with a NATS between them
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(2..=8))]
    nodes: u32,
    /// Logouts, new passwords and ends of accounts, of each so many
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(3..=100_000))]
    endings: u32,
}

/// Endings in the same circumstances, and how long they took from the answer to the request.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Figures {
    endings: u64,
    closed_ms: Summary,
    refused_ms: Summary,
}

/// What came of it.
#[derive(Serialize)]
pub(super) struct Outcome {
    workload: &'static str,
    #[serde(flatten)]
    endings: Endings,
    with_nats: Figures,
    without: Figures,
    bars_ms: [u32; 2],
    /// Sockets that were not closed with 4001 in time.
    missed_sockets: u64,
    /// Tokens that were not refused in time.
    missed_tokens: u64,
}

/// How long one took, in nanoseconds; nothing where it did not happen in time.
#[derive(Clone, Copy)]
struct Ending {
    answered: u64,
    closed: Option<u64>,
    refused: Option<u64>,
}

impl Endings {
    pub(super) async fn run(&self, own: &Where) -> Result<Outcome> {
        let all = self.endings * 3;
        let servers = Servers::start(own, self.nodes, all).await?;
        let (with, without) = servers.accounts.split_at(all as usize * 2 / 3);
        let progress = Progress::counting("logins end", all.into());
        let with_nats = self.end_all(&servers, with, &progress).await.map_err(|error| servers.blame(error))?;
        servers.cut_nats().await?;
        let without = self.end_all(&servers, without, &progress).await.map_err(|error| servers.blame(error))?;
        let both = || with_nats.iter().chain(&without);
        let missed =
            |happened: fn(&Ending) -> Option<u64>| both().filter(|ending| happened(ending).is_none()).count() as u64;
        Ok(Outcome {
            workload: "endings",
            endings: self.clone(),
            with_nats: Figures::of(&with_nats)?,
            without: Figures::of(&without)?,
            bars_ms: BARS_MS,
            missed_sockets: missed(|ending| ending.closed),
            missed_tokens: missed(|ending| ending.refused),
        })
    }

    async fn end_all(&self, servers: &Servers, accounts: &[Account], progress: &Progress) -> Result<Vec<Ending>> {
        let ending = accounts.iter().zip(0..).map(|(account, number)| async move {
            let ended = self.end(servers, account, number).await;
            progress.step();
            ended
        });
        futures_util::stream::iter(ending).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn end(&self, servers: &Servers, account: &Account, number: usize) -> Result<Ending> {
        let (here, there) = (servers.at(number)?, servers.at(number + 1)?);
        // Each way of ending meets both kinds of sockets.
        let dialect = if (number / 3).is_multiple_of(2) { Dialect::V1 } else { Dialect::Legacy };
        let mut socket = client::connect(there, &account.token, dialect, "").await?;
        let mut asking = Connection::open(there).await?;
        let me = Ask::get(0, "/users/me", &account.token, Vec::new()).request;
        ensure!(asking.ask(&me).await?.status == 200, "a login does not work before its end");
        let request = request(number, &account.token);
        let status = Connection::open(here).await?.ask(&request.request).await?.status;
        ensure!((200..300).contains(&status), "{} was answered with {status}", request.name);
        let answered = clock::now();
        let closing = async {
            let code = end_of(&mut socket, PATIENCE).await;
            (code == Some(ENDED)).then(clock::now)
        };
        let (closed, refused) = tokio::join!(closing, refusal(&mut asking, &me));
        Ok(Ending { answered, closed, refused: refused? })
    }
}

/// Returns one of the requests that end a login.
fn request(number: usize, token: &str) -> Ask {
    let (method, path, body) = match number % 3 {
        0 => ("POST", "/auth/logout", json!({})),
        1 => {
            let new = format!("{PASSWORD} and more");
            ("PUT", "/auth/password", json!({"old_password": PASSWORD, "new_password": new}))
        }
        _ => ("DELETE", "/users/me", json!({"password": PASSWORD})),
    };
    Ask::with_body(method, path, Some(token), &body)
}

/// Waits until a request is answered with 401.
async fn refusal(asking: &mut Connection, request: &[u8]) -> Result<Option<u64>> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        match asking.ask(request).await?.status {
            401 => return Ok(Some(clock::now())),
            200 => sleep(PAUSE).await,
            other => anyhow::bail!("a token was answered with {other}"),
        }
    }
    Ok(None)
}

impl Figures {
    fn of(endings: &[Ending]) -> Result<Self> {
        let summary = |happened: fn(&Ending) -> Option<u64>| {
            let mut times = Latencies::new()?;
            for ending in endings {
                if let Some(at) = happened(ending) {
                    times.note(ending.answered, at);
                }
            }
            anyhow::Ok(times.summary())
        };
        Ok(Self {
            endings: endings.len() as u64,
            closed_ms: summary(|ending| ending.closed)?,
            refused_ms: summary(|ending| ending.refused)?,
        })
    }
}

impl Verdict for Outcome {
    fn holds(&self) -> bool {
        self.missed_sockets + self.missed_tokens == 0
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { endings, with_nats, without, missed_sockets, missed_tokens, .. } = self;
        write!(f, "endings at {} servers: missed sockets {missed_sockets}, tokens {missed_tokens}", endings.nodes)?;
        for ((figures, name), bar) in [(with_nats, "with NATS"), (without, "without")].into_iter().zip(self.bars_ms) {
            let Figures { endings, closed_ms, refused_ms } = figures;
            write!(f, "\n  {name}, {endings}, p99 should be below {bar} ms:")?;
            write!(f, " closed {closed_ms}; refused {refused_ms}")?;
        }
        Ok(())
    }
}
