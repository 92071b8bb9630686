//! One account whose connections request large lists and read nothing: the cost in the server's memory, and for all
//! other clients.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, sleep};

use crate::bystanders::{self, Bystanders};
use crate::clock;
use crate::growth::epoch;
use crate::latency::Summary;
use crate::marked_frame::Dialect;
use crate::memory::Memory;
use crate::place::Place;
use crate::requests::{Ask, Connection};
use crate::stock::{Keep, Stock};
use crate::target::{Account, Target};
use crate::traffic::Soundness;

/// The account that does not read, and its partners.
const USER: u32 = 1;
const PARTNERS: u32 = 100;
/// Messages with the first partner, beside one with each.
const MESSAGES: usize = 100;
/// Interval between two measurements of memory.
const LOOK: Duration = Duration::from_millis(50);

/// Connections that do not read.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Unread {
    /// Connections of one account that do not read
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Requests that each sends at once, for all kinds of lists in turn
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100))]
    requests: u32,
    /// Characters of each encrypted copy in the lists
    #[arg(long, default_value_t = 98_304, value_parser = clap::value_parser!(u32).range(48..=98_304))]
    bytes: u32,
    /// Seconds in which the bystanders write before, and while the connections do not read
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Decides what the messages hold
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    #[serde(flatten)]
    bystanders: bystanders::Plan,
    #[command(flatten)]
    #[serde(flatten)]
    keep: Keep,
}

/// The result.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    target: String,
    #[serde(flatten)]
    arguments: Unread,
    /// Resident memory before, and its greatest growth.
    rss_mib: f64,
    rss_growth_mib: f64,
    before_ms: Summary,
    during_ms: Summary,
    p99_ratio: f64,
    /// Lists that another user requests meanwhile, one after the other: served, and not served.
    served: u64,
    refused: u64,
    #[serde(flatten)]
    sound: Soundness,
}

impl Unread {
    pub(crate) async fn run(&self, place: &Place) -> Result<Outcome> {
        let others = 2 * self.bystanders.pairs;
        let each = (0..PARTNERS).map(|partner| (USER, USER + 1 + partner));
        let pairs: Vec<_> = std::iter::repeat_n((USER, USER + 1), MESSAGES).chain(each).collect();
        let stock = Stock {
            name: format!("unread-{}-{others}", self.bytes),
            users: USER + PARTNERS + others,
            messages: pairs.len() as u64,
            pairs,
            bytes: usize::try_from(self.bytes)?,
            then: None,
        };
        let target = place.stocked(&stock, Dialect::V1, &self.keep).await?;
        let first = usize::try_from(USER + PARTNERS)?;
        let (users, writers) = target.accounts.split_at_checked(first).context("too few accounts")?;
        let [user, partner, ..] = users else { anyhow::bail!("too few accounts") };
        let pid = target.pid.context("whose memory is not known")?;
        let bystanders = Bystanders::begin(&target, writers, self.bystanders, self.seed).await?;
        // Their own connections do not count as growth.
        sleep(Duration::from_secs(1)).await;
        let start = clock::now();
        let (before, _, _) = self.watch(&target, pid, partner).await?;
        let middle = clock::now();
        let unread = self.ask(&target, user).await?;
        let (during, served, refused) = self.watch(&target, pid, partner).await?;
        let end = clock::now();
        drop(unread);
        let witness = bystanders.end().await?;
        let (before_ms, during_ms) = (witness.between(start, middle)?, witness.between(middle, end)?);
        Ok(Outcome {
            workload: "unread",
            target: target.name.clone(),
            arguments: self.clone(),
            rss_mib: before.rss_mib(),
            rss_growth_mib: during.beyond(before).rss_mib(),
            before_ms,
            during_ms,
            p99_ratio: during_ms.p99 / before_ms.p99,
            served,
            refused,
            sound: witness.sound,
        })
    }

    /// Opens the connections, and sends all requests on each.
    async fn ask(&self, target: &Target, user: &Account) -> Result<Vec<TcpStream>> {
        let since = format!("/chat/sync?since={}:0", epoch(target).await?);
        let history = format!("/chat/all_messages?limit=100&partnerID={}", USER + 1);
        let ids: Vec<String> = (1..=100).map(|id| id.to_string()).collect();
        let ids = format!("/users?ids={}", ids.join(","));
        let paths = [
            history.as_str(),
            "/chat/chat_list",
            "/chat/conversations?limit=100",
            &since,
            &ids,
            "/users/search?limit=100",
            "/users/blocked",
            "/auth/sessions",
        ];
        let mut connections = Vec::new();
        for connection in 0..self.connections {
            let mut stream = TcpStream::connect(target.addr).await?;
            let places = (connection..).take(usize::try_from(self.requests)?);
            let mut requests = Vec::new();
            for path in places.filter_map(|place| paths.get(usize::try_from(place).ok()? % paths.len())) {
                requests.extend(Ask::get(0, path, &user.token, Vec::new()).request);
            }
            stream.write_all(&requests).await?;
            connections.push(stream);
        }
        Ok(connections)
    }

    /// Returns the peak memory over some seconds, in which another user requests a list again and again, and how often
    /// the list was served and not served.
    async fn watch(&self, target: &Target, pid: u32, user: &Account) -> Result<(Memory, u64, u64)> {
        let until = Instant::now() + Duration::from_secs(self.seconds);
        let (mut most, mut looks) = (Memory::of(pid)?, interval(LOOK));
        let (mut served, mut refused) = (0, 0);
        let ask = Ask::get(0, "/chat/conversations?limit=1", &user.token, Vec::new());
        let mut connection = Connection::open(target.addr).await?;
        while Instant::now() < until {
            looks.tick().await;
            let now = Memory::of(pid)?;
            most = if now.rss_kib > most.rss_kib { now } else { most };
            let answer = connection.ask(&ask.request).await?;
            ensure!(answer.status == 200 || answer.status == 503, "{}", answer.status);
            if answer.status == 200 { served += 1 } else { refused += 1 }
        }
        Ok((most, served, refused))
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, arguments, rss_mib, rss_growth_mib, before_ms, during_ms, p99_ratio, .. } = self;
        let Self { served, refused, sound, .. } = self;
        writeln!(f, "unread {target} {} connections of one account:", arguments.connections)?;
        writeln!(f, "  memory {rss_mib:.1} MiB, and {rss_growth_mib:.1} MiB more")?;
        writeln!(f, "  messages of others before: {before_ms}")?;
        writeln!(f, "  and meanwhile:             {during_ms}, p99 {p99_ratio:.2}×; {sound}")?;
        write!(f, "  lists of somebody else: {served} served, {refused} refused")
    }
}
