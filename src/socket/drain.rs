//! The end of a socket when the server goes down: at its moment of the drain, and then within seconds.

use std::pin::Pin;
use std::time::Duration;

use rand::RngExt as _;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Longest time for what was read to be stored, answered and written.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(3);

/// The drain of one socket: it begins at a random moment of the spread.
pub(super) struct SocketDrain<F> {
    token: CancellationToken,
    /// Kept between the steps of the pump: each registration takes a lock that all sockets share.
    drain: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Returns the time over which the departures of all sockets are spread; called when the drain begins.
    spread: F,
    /// The moment when it begins.
    due: Option<Instant>,
    /// The moment when unfinished work is given up.
    over: Option<Instant>,
}

impl<F: Fn() -> Duration> SocketDrain<F> {
    /// A drain that follows once `drain` is cancelled.
    pub(super) fn new(drain: CancellationToken, spread: F) -> Self {
        let token = drain.clone();
        Self { token, drain: Box::pin(drain.cancelled_owned()), spread, due: None, over: None }
    }

    /// Returns whether the server is going down.
    pub(super) fn is_near(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Returns whether the drain of this socket has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.over.is_some()
    }

    /// Returns the time over which the departures of all sockets are spread.
    pub(super) fn spread(&self) -> Duration {
        (self.spread)()
    }

    /// Waits for the moment of this socket. Cancel-safe.
    pub(super) async fn due(&mut self) {
        let due = if let Some(due) = self.due {
            due
        } else {
            self.drain.as_mut().await;
            *self.due.insert(Instant::now() + (self.spread)().mul_f64(rand::rng().random_range(0.0..1.0)))
        };
        sleep_until(due).await;
    }

    /// Begins the drain unless it has begun, and returns when unfinished work is given up.
    pub(super) fn begin(&mut self) -> Instant {
        *self.over.get_or_insert_with(|| Instant::now() + SETTLE_TIMEOUT)
    }

    /// Waits for the moment of this socket and begins; or, once it has begun, waits until unfinished work is given up.
    /// Returns whether it is given up.
    pub(super) async fn next_step(&mut self) -> bool {
        if let Some(over) = self.over {
            sleep_until(over).await;
            return true;
        }
        self.due().await;
        self.begin();
        false
    }
}
