//! Somebody with a device: comes, stays for a while, leaves and returns.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context as _, Result};
use fluent_client::Cursor;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::Mixed;
use super::friend::{self, FRIENDS, Friend};
use super::ledger::Ledger;
use crate::client;
use crate::clock;
use crate::marked_frame::Dialect;
use crate::phone::Phone;
use crate::random::Random;
use crate::socket::Socket;
use crate::target::Target;

/// Longest time until a socket is live.
const LIVE: Duration = Duration::from_secs(30);
/// For so long somebody is active, or is not.
const SLOT: u64 = 60_000_000_000;
/// Of a thousand things that an active user does, so many are messages.
pub(super) const WRITES: u32 = 750;

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Everybody comes for the first time: from then on they have a cursor, and can be written to.
    Come,
    Day,
    /// Nothing new is written; everybody comes and gets rid of the rest.
    Settle,
    /// Everybody comes once more.
    Return,
    End,
}

/// Somebody.
pub(super) struct Person {
    pub(super) number: u32,
    addr: SocketAddr,
    token: String,
    pub(super) friends: Vec<Friend>,
    /// What decides where a socket resumes, and what is sent when.
    pub(super) phone: Phone,
    /// The newest event on this socket.
    pub(super) newest: u64,
    pub(super) random: Random,
    pub(super) ledger: Arc<Ledger>,
    turns: Arc<Semaphore>,
    users: u32,
    seed: u64,
    active: u32,
    stay: Duration,
    away: Duration,
    /// Between two things that an active user does.
    pause: Duration,
    /// When the next of them is due.
    pub(super) next: u64,
    /// Events that came twice or out of their order.
    pub(super) disorder: u64,
    pub(super) strays: u64,
    /// The phase in which everything of it is done.
    pub(super) done: Option<Phase>,
}

impl Person {
    pub(super) fn new(
        mixed: &Mixed,
        target: &Target,
        number: u32,
        ledger: Arc<Ledger>,
        turns: Arc<Semaphore>,
    ) -> Result<Self> {
        let account = |number: u32| target.accounts.get(number as usize).context("there are too few accounts");
        let friends: Vec<Friend> = (0..FRIENDS)
            .map(|place| {
                let id = account(friend::friend_of(number, place, mixed.users))?.id;
                Friend::new(id, friend::pair(number, place), mixed.bytes, mixed.seed)
            })
            .collect::<Result<_>>()?;
        let watch = friends.iter().map(|friend| friend.id.into()).collect();
        let active = f64::from(mixed.users) * f64::from(mixed.active) / 1000.0;
        let deeds = f64::from(mixed.rate) * 1000.0 / f64::from(WRITES);
        Ok(Self {
            number,
            addr: target.addr,
            token: account(number)?.token.clone(),
            friends,
            phone: Phone::new(account(number)?.id.into(), watch),
            newest: 0,
            random: Random::of(mixed.seed, number.into()),
            ledger,
            turns,
            users: mixed.users,
            seed: mixed.seed,
            active: mixed.active,
            stay: Duration::from_secs(mixed.stay),
            away: Duration::from_secs(mixed.away),
            pause: Duration::from_secs_f64(active / deeds),
            next: 0,
            disorder: 0,
            strays: 0,
            done: None,
        })
    }

    /// Comes and goes until the end.
    pub(super) async fn live(mut self, mut phase: watch::Receiver<Phase>) -> Self {
        while *phase.borrow_and_update() != Phase::End {
            let ended = match self.come().await {
                Ok(socket) => {
                    self.ledger.online.fetch_add(1, Relaxed);
                    let ended = self.stream(socket, &mut phase).await;
                    self.ledger.online.fetch_sub(1, Relaxed);
                    ended
                }
                Err(error) => Err(error),
            };
            self.phone.closed();
            let mut away = self.away;
            if let Err(error) = ended {
                self.ledger.note_failed(format!("{error:#}"));
                away = away.max(Duration::from_secs(1));
            }
            let mut time = self.random.wait(away);
            if *phase.borrow() != Phase::Day {
                time = time.min(Duration::from_millis(200));
            }
            tokio::select! {
                () = sleep(time) => {}
                _ = phase.changed() => {}
            }
        }
        self
    }

    /// Opens a socket and takes what was missed.
    async fn come(&mut self) -> Result<Socket> {
        let turns = self.turns.clone();
        let _turn = turns.acquire().await?;
        let from = clock::now();
        let since = self.phone.connect()?;
        self.newest = since.as_ref().map_or(0, Cursor::seq);
        let since = since.map(|cursor| format!("&since={cursor}")).unwrap_or_default();
        let query = format!("device_id=phone{since}");
        let opening = async {
            let mut socket = client::open(self.addr, &self.token, Dialect::V1, &query).await?;
            while !self.take(&mut socket, false)? {
                socket.transfer().await?;
            }
            anyhow::Ok(socket)
        };
        let socket = timeout(LIVE, opening).await.context("not live in time")??;
        // Only what is a return, not the first time, when all come at once.
        if !since.is_empty() {
            self.ledger.note_return(from, clock::now());
        }
        Ok(socket)
    }

    /// How many people there are.
    pub(super) fn users(&self) -> u32 {
        self.users
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// How long the next socket stays.
    pub(super) fn staying(&mut self) -> u64 {
        clock::nanos(self.random.wait(self.stay))
    }

    /// Whether this user is active at a time. Most are not, and then for a while.
    pub(super) fn is_active(&self, at: u64) -> bool {
        Random::of(self.seed ^ (at / SLOT).wrapping_mul(0x9e37_79b9_7f4a_7c15), self.number.into())
            .chance(self.active.into())
    }

    /// When the next thing is due after one that was due at `due`.
    pub(super) fn after(&mut self, due: u64) -> u64 {
        if self.is_active(due) {
            due + clock::nanos(self.random.wait(self.pause))
        } else {
            (due / SLOT + 1) * SLOT + clock::nanos(self.random.wait(self.pause))
        }
    }
}
