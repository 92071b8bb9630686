//! The app as it was shipped: no cursor, no client ids. What it does not see echoed it does not send again, since it
//! would come twice: so it is there once or not at all.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::watch;
use tokio::time::{sleep, sleep_until, timeout};

use super::book::Heard;
use super::sending::CALM;
use super::shared::{Order, Phase, Shared};
use crate::client;
use crate::clock;
use crate::marked_frame::{Dialect, Mark, Seen, scan};
use crate::outbox::Outbox;
use crate::random::Random;
use crate::socket::Socket;
use crate::tally::Tally;

/// Longest time for a handshake.
const OPEN: Duration = Duration::from_secs(10);
/// Longest wait before the next attempt.
const BACKOFF_MS: u64 = 1000;
/// Nothing is sent for so long after an error.
const AGAIN: u64 = 1_000_000_000;

/// The shipped app of a user.
pub(super) struct Legacy {
    pub(super) shared: Arc<Shared>,
    pub(super) token: String,
    /// Whom it writes to: user id and pair.
    pub(super) friends: Vec<(i32, u64)>,
    /// Pairs of all clients: whoever begins anew takes a number above them.
    pub(super) pairs: u64,
    pub(super) bytes: u32,
    pub(super) seed: u64,
    pub(super) random: Random,
    pub(super) orders: watch::Receiver<Order>,
    pub(super) generation: u64,
    /// On all its sockets, by pair.
    pub(super) received: HashMap<u64, Tally>,
    pub(super) done: Option<Phase>,
    /// Not before this is sent anything.
    pub(super) not_before: u64,
}

impl Legacy {
    /// Comes and goes until the end.
    pub(super) async fn live(mut self) {
        let mut phase = self.shared.phase.clone();
        while *phase.borrow_and_update() != Phase::End {
            if let Err(error) = self.come(&mut phase).await {
                self.shared.note_end(&error);
            }
            sleep(Duration::from_millis(self.random.below(BACKOFF_MS))).await;
        }
        let twice = self.received.values().map(|tally| tally.duplicated).sum();
        self.shared.twice.fetch_add(twice, Relaxed);
        let late = self.received.values().map(|tally| tally.out_of_order).sum();
        self.shared.disorder.fetch_add(late, Relaxed);
    }

    /// One connection. Its messages have numbers of their own: nobody knows what became of the last ones of the
    /// connection before.
    async fn come(&mut self, phase: &mut watch::Receiver<Phase>) -> Result<()> {
        let addr = self.shared.server().await?;
        self.orders.mark_unchanged();
        let opening = client::open(addr, &self.token, Dialect::Legacy, "");
        let mut socket = timeout(OPEN, opening).await.context("no handshake in time")??;
        self.shared.opened.fetch_add(1, Relaxed);
        let mut outboxes = self.outboxes()?;
        loop {
            let now = *phase.borrow_and_update();
            if now == Phase::End {
                return Ok(());
            }
            let may_send = self.not_before <= clock::now();
            for outbox in outboxes.iter_mut().filter(|_| may_send) {
                if now == Phase::Storm && outbox.waiting() == 0 {
                    outbox.write(clock::now());
                    self.shared.sent.fetch_add(1, Relaxed);
                    if self.shared.has_enough.load(Relaxed) {
                        self.not_before = clock::now() + clock::nanos(CALM);
                    }
                }
                if let Some(frame) = outbox.next() {
                    socket.queue(frame);
                }
            }
            if now != Phase::Storm && self.done != Some(now) && outboxes.iter().all(|outbox| outbox.waiting() == 0) {
                self.done = Some(now);
                self.shared.note_ready();
            }
            tokio::select! {
                turned = socket.transfer() => {
                    turned?;
                    if self.take(&mut socket, &mut outboxes)? {
                        self.not_before = clock::now() + AGAIN;
                        outboxes = self.outboxes()?;
                    }
                }
                () = sleep_until(clock::instant(self.not_before)), if !may_send => {}
                Ok(()) = self.orders.changed() => {
                    let order = *self.orders.borrow_and_update();
                    match order {
                        Order::Cut => return Ok(()),
                        Order::Stall(time) => sleep(time).await,
                        Order::Go => {}
                    }
                }
                _ = phase.changed() => {}
            }
        }
    }

    /// Fresh numbers for everybody.
    fn outboxes(&mut self) -> Result<Vec<Outbox>> {
        let first = self.pairs * self.generation;
        self.generation += 1;
        let outbox = |&(id, pair): &(i32, u64)| Outbox::new(Dialect::Legacy, first + pair, id, self.bytes, self.seed);
        self.friends.iter().map(outbox).collect()
    }

    /// Notes what has come; whether something was refused, of which nobody knows what it was.
    fn take(&mut self, socket: &mut Socket, outboxes: &mut [Outbox]) -> Result<bool> {
        let mut is_refused = false;
        while let Some(frame) = socket.next()? {
            match scan(frame) {
                Seen::Received(mark) => self.receive(mark),
                Seen::Acknowledged(mark) => {
                    self.shared.book.acknowledge(mark, None, Heard::Seen);
                    for outbox in outboxes.iter_mut().filter(|outbox| outbox.pair() == mark.pair) {
                        outbox.acknowledge(mark);
                    }
                }
                Seen::Error => {
                    is_refused = true;
                    if crate::frame::code(frame) == b"unavailable" {
                        self.shared.refused.fetch_add(1, Relaxed);
                    } else {
                        self.shared.complain(|| String::from_utf8_lossy(frame).into_owned());
                    }
                }
                Seen::Live | Seen::Other => _ = self.shared.strays.fetch_add(1, Relaxed),
            }
        }
        Ok(is_refused)
    }

    fn receive(&mut self, mark: Mark) {
        self.received.entry(mark.pair).or_default().note(mark.seq);
    }
}
