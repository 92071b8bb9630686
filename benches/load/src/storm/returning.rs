//! A device that returns.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{sleep, timeout};

use super::prepare::DEVICE;
use crate::client;
use crate::clock;
use crate::frame::{self, Cursor};
use crate::marked_frame::{Dialect, Seen, scan};
use crate::random::Random;
use crate::socket::{Socket, text_frame};
use crate::tally::Tally;
use crate::target::Account;
use crate::traffic::Soundness;

/// Longest wait until a socket is live; then the device tries again.
const LIVE: Duration = Duration::from_secs(30);
/// Longest wait before a device tries again, in milliseconds.
const AGAIN_MS: u64 = 2000;

/// A device that was away.
pub(super) struct Device {
    addr: SocketAddr,
    token: String,
    number: u64,
    cursor: Cursor,
    random: Random,
    tally: Tally,
    /// Events that came twice or out of their order.
    disorder: u64,
    strays: u64,
    is_live: bool,
    pub(super) attempts: u32,
    /// The error of the first failed attempt.
    pub(super) problem: Option<String>,
}

impl Device {
    pub(super) fn new(addr: SocketAddr, account: &Account, number: u32, cursor: Cursor, seed: u64) -> Self {
        Self {
            addr,
            token: account.token.clone(),
            number: number.into(),
            cursor,
            random: Random::of(seed, number.into()),
            tally: Tally::default(),
            disorder: 0,
            strays: 0,
            is_live: false,
            attempts: 0,
            problem: None,
        }
    }

    /// Connects, as often as it takes; reports when it is live; stays until it is asked to leave.
    pub(super) async fn come(
        mut self,
        turns: Arc<Semaphore>,
        live: mpsc::UnboundedSender<u64>,
        mut told: watch::Receiver<bool>,
    ) -> Self {
        let stay = async {
            loop {
                let turn = turns.acquire().await;
                self.attempts += 1;
                let opened = timeout(LIVE, self.open()).await;
                drop(turn);
                let ended = match opened {
                    Ok(Ok(socket)) => {
                        if !std::mem::replace(&mut self.is_live, true) {
                            let _ = live.send(clock::now());
                        }
                        self.stay(socket).await
                    }
                    Ok(Err(error)) => Err(error),
                    Err(_) => Err(anyhow::anyhow!("not live within {} s", LIVE.as_secs())),
                };
                if let Err(error) = ended {
                    self.problem.get_or_insert_with(|| format!("{error:#}"));
                }
                sleep(Duration::from_millis(self.random.below(AGAIN_MS))).await;
            }
        };
        tokio::select! {
            () = stay => {}
            _ = told.wait_for(|leave| *leave) => {}
        }
        self
    }

    /// Opens a socket and reads the missed events, up to `live`.
    async fn open(&mut self) -> Result<Socket> {
        let query = format!("{DEVICE}&since={}", self.cursor);
        let mut socket = client::open(self.addr, &self.token, Dialect::V1, &query).await?;
        while !self.take(&mut socket)? {
            socket.transfer().await?;
        }
        let kept = format!(r#"{{"type":"delivered","up_to_seq":{}}}"#, self.cursor.seq());
        socket.queue(&text_frame(kept.as_bytes()).0);
        Ok(socket)
    }

    async fn stay(&mut self, mut socket: Socket) -> Result<()> {
        loop {
            socket.transfer().await?;
            self.take(&mut socket)?;
        }
    }

    /// Records the frames that have arrived. Returns whether `live` was among them.
    fn take(&mut self, socket: &mut Socket) -> Result<bool> {
        let mut is_live = false;
        while let Some(frame) = socket.next()? {
            if let Some(seq) = frame::event(frame)
                && !self.cursor.advance(seq)
            {
                self.disorder += 1;
            }
            match scan(frame) {
                Seen::Received(mark) if mark.pair == self.number => self.tally.note(mark.seq),
                Seen::Received(_) | Seen::Acknowledged(_) => self.strays += 1,
                Seen::Live => is_live = true,
                Seen::Error => bail!("an error: {}", String::from_utf8_lossy(frame)),
                Seen::Other if frame::kind(frame) == b"reset" => bail!("a reset: {}", String::from_utf8_lossy(frame)),
                Seen::Other => {}
            }
        }
        Ok(is_live)
    }

    /// Adds the device's faults to `sound`; `missed` is the number of its missed messages.
    pub(super) fn judge(&self, missed: u64, sound: &mut Soundness) {
        sound.lost += missed.saturating_sub(self.tally.count);
        sound.duplicated += self.tally.duplicated;
        sound.out_of_order += self.tally.out_of_order + self.disorder;
        sound.strays += self.strays;
    }
}
