//! One phone: connected, cut off, and back.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::marked_frame::Dialect;
use crate::random::Random;
use crate::socket::Socket;
use crate::{client, clock, http, seed};

/// Longest wait before the first try, and before later ones, in milliseconds; each is a random part of it.
const FIRST_MS: u64 = 1000;
const LATER_MS: u64 = 4000;

/// What phones were answered with.
#[derive(Default, Serialize)]
pub(super) struct Met {
    /// 401 for an expired token, as it must be.
    pub(super) expired: u64,
    pub(super) refreshed: u64,
    /// Tries while the server did not listen or was stopping.
    pub(super) away: u64,
    pub(super) limited: u64,
    pub(super) banned: u64,
    pub(super) busy: u64,
    pub(super) others: u64,
}

impl Met {
    pub(super) fn refusals(&self) -> u64 {
        self.limited + self.banned + self.busy + self.others
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.expired += other.expired;
        self.refreshed += other.refreshed;
        self.away += other.away;
        self.limited += other.limited;
        self.banned += other.banned;
        self.busy += other.busy;
        self.others += other.others;
    }
}

/// Where the run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The first server runs, or none.
    Before,
    /// The server runs again.
    Restarted,
    /// The phones leave.
    Over,
}

/// A phone whose access token has expired.
pub(super) struct Phone {
    addr: SocketAddr,
    number: u32,
    dialect: Dialect,
    /// The access token that it tries first.
    token: String,
    random: Random,
    pub(super) met: Met,
    pub(super) problem: Option<String>,
}

impl Phone {
    pub(super) fn new(addr: SocketAddr, number: u32, dialect: Dialect, token: String, seed: u64) -> Self {
        let random = Random::of(seed, number.into());
        Self { addr, number, dialect, token, random, met: Met::default(), problem: None }
    }

    /// Stays until the socket ends, then connects again, and says when it has.
    pub(super) async fn outlive(
        mut self,
        mut socket: Socket,
        live: mpsc::UnboundedSender<u64>,
        mut stage: watch::Receiver<Stage>,
    ) -> Self {
        let now = stage.clone();
        let living = async {
            while read(&mut socket).await.is_ok() {}
            let mut longest = FIRST_MS;
            loop {
                sleep(Duration::from_millis(self.random.below(longest))).await;
                match self.connect().await {
                    Ok(again) => {
                        socket = again;
                        let _ = live.send(clock::now());
                        while read(&mut socket).await.is_ok() {}
                    }
                    Err(error) => self.note(&error, *now.borrow()),
                }
                longest = LATER_MS;
            }
        };
        tokio::select! {
            () = living => {}
            _ = stage.wait_for(|stage| *stage == Stage::Over) => {}
        }
        self
    }

    /// Connects as the app does: a 401 makes it get a new token first.
    async fn connect(&mut self) -> Result<Socket> {
        let Self { addr, dialect, .. } = *self;
        match client::connect(addr, &self.token, dialect, "").await {
            Err(error) if status(&error) == Some(401) => self.met.expired += 1,
            done => return done,
        }
        let refresh = json!({"refresh_token": seed::refresh_token(self.number)});
        let pair = http::post(addr, "/auth/refresh", &refresh).await?;
        let pair: serde_json::Value = serde_json::from_str(&pair).context("an answer that is no JSON")?;
        let token = pair.get("access_token").and_then(|token| token.as_str()).context("no token")?;
        token.clone_into(&mut self.token);
        self.met.refreshed += 1;
        client::connect(addr, &self.token, dialect, "").await
    }

    fn note(&mut self, error: &anyhow::Error, stage: Stage) {
        // A server that is stopping sends everybody away.
        match status(error).filter(|_| stage != Stage::Before) {
            Some(429) => self.met.limited += 1,
            Some(403) => self.met.banned += 1,
            Some(503) => self.met.busy += 1,
            Some(_) => self.met.others += 1,
            // No connection, or one that was cut: the server is away.
            None => return self.met.away += 1,
        }
        self.problem.get_or_insert_with(|| format!("{error:#}"));
    }
}

async fn read(socket: &mut Socket) -> Result<()> {
    socket.transfer().await?;
    while socket.next()?.is_some() {}
    Ok(())
}

/// Returns the status of the answer that an error quotes.
fn status(error: &anyhow::Error) -> Option<u16> {
    let text = format!("{error:#}");
    text.split_once("HTTP/1.1 ")?.1.get(..3)?.parse().ok()
}
