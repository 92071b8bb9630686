//! Users whose server is killed, and users whose server is stopped, as those see it who watch them at another server:
//! the first must be shown offline soon and stay so, and the others must never be.

mod board;
mod outcome;
mod watcher;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::drain;
use super::servers::Servers;
use crate::client::{self, OPENING};
use crate::clock;
use crate::marked_frame::Dialect;
use crate::place::Where;
use crate::requests::{Ask, Connection};
use crate::target::Account;
use board::Board;
use outcome::Outcome;
use watcher::{WATCHED, watch};

/// Users who write at once.
const AT_ONCE: usize = 8;
/// How long it is watched after a server has stopped: beyond the grace of those who are gone.
const AFTER_STOP: Duration = Duration::from_secs(20);

/// Presence of users whose server goes.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Ghosts {
    /// Servers, with a NATS between them; the users are at the first, who watches them is at the others
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(2..=8))]
    nodes: u32,
    /// Watched users
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    users: u32,
    /// Seconds after the kill, from which on nobody may be shown online
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(20..=3600))]
    seconds: u64,
}

impl Ghosts {
    pub(super) async fn run(&self, own: &Where) -> Result<Outcome> {
        let watchers = self.users.div_ceil(u32::try_from(WATCHED)?);
        let mut servers = Servers::start(own, self.nodes, self.users + watchers).await?;
        let run = self.run_on(&mut servers).await;
        run.map_err(|error| servers.blame(error))
    }

    async fn run_on(&self, servers: &mut Servers) -> Result<Outcome> {
        let accounts = servers.accounts.clone();
        let (users, watchers) = accounts.split_at(self.users as usize);
        befriend(servers.at(0)?, users, watchers).await?;
        let (told, seen) = unbounded_channel();
        let mut watching = JoinSet::new();
        for ((watcher, watched), number) in watchers.iter().zip(users.chunks(WATCHED)).zip(0..) {
            // At any of the others.
            let addr = servers.at(1 + number % (servers.hosts.len() - 1))?;
            let watched = watched.iter().map(|user| user.id.into()).collect();
            watching.spawn(watch(addr, watcher.clone(), watched, told.clone()));
        }
        drop(told);
        let mut board = Board::new(seen);

        let _sockets = open_all(users, servers.at(0)?, None).await?;
        board.all_online(users.len()).await?;
        let killed = clock::now();
        servers.first()?.kill();
        board.follow(sleep(Duration::from_secs(self.seconds))).await?;
        let offline_ms = board.gone_since(killed)?;
        let ghosts = board.online() as u64;

        servers.first()?.start().await?;
        servers.all_heard().await?;
        let _sockets = open_all(users, servers.at(0)?, Some(servers.at(1)?)).await?;
        board.all_online(users.len()).await?;
        let before = board.offlines;
        board.follow(servers.first()?.stop()).await??;
        board.follow(sleep(AFTER_STOP)).await?;
        if let Some(ended) = watching.try_join_next() {
            ended??;
        }
        Ok(Outcome::new(self, offline_ms, ghosts, board.offlines - before))
    }
}

/// Lets each user and who watches her write to each other: only then are they shown each other's presence.
async fn befriend(addr: SocketAddr, users: &[Account], watchers: &[Account]) -> Result<()> {
    let pairs = watchers.iter().zip(users.chunks(WATCHED));
    let pairs = pairs.flat_map(|(watcher, watched)| watched.iter().map(move |user| (watcher, user)));
    let writing = pairs.map(|(watcher, user)| async move {
        let mut connection = Connection::open(addr).await?;
        for (from, to) in [(user, watcher), (watcher, user)] {
            let id = format!("hello-{}", to.id);
            let body = json!({
                "client_id": id,
                "to": to.id,
                "receiver_encrypted": "a",
                "sender_encrypted": "a",
                "message_type": "text",
            });
            let ask = Ask::with_body("POST", "/chat/messages", Some(&from.token), &body);
            let status = connection.ask(&ask.request).await?.status;
            ensure!(status == 201, "a message was answered with {status}");
        }
        Ok(())
    });
    futures_util::stream::iter(writing).buffer_unordered(AT_ONCE).try_collect().await
}

/// Opens a socket of each user. Who loses it goes to the other server, if there is one.
async fn open_all(users: &[Account], addr: SocketAddr, other: Option<SocketAddr>) -> Result<JoinSet<Result<()>>> {
    let mut open = JoinSet::new();
    let opening = users.iter().map(|user| async move {
        let socket = client::connect(addr, &user.token, Dialect::V1, "device_id=phone").await?;
        anyhow::Ok((socket, user.token.clone()))
    });
    let mut opening = futures_util::stream::iter(opening).buffer_unordered(OPENING);
    while let Some((mut socket, token)) = opening.try_next().await? {
        open.spawn(async move {
            while drain(&mut socket).await.is_ok() {}
            let Some(other) = other else { return Ok(()) };
            let mut socket = client::connect(other, &token, Dialect::V1, "device_id=phone").await?;
            while drain(&mut socket).await.is_ok() {}
            bail!("a phone has lost its second socket")
        });
    }
    Ok(open)
}
