//! When a socket ends because the server goes down: in its slice of the drain, and then within seconds.

use std::pin::Pin;
use std::time::Duration;

use rand::RngExt as _;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Longest time for what was read to be stored, answered and written.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(4);

/// The drain of one socket.
pub(super) struct SocketDrain<F> {
    token: CancellationToken,
    /// Kept over the turns of the pump: each registration takes a lock that all sockets share.
    drain: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Over how long the departures of all sockets are spread, asked when the drain begins.
    spread: F,
    /// The beginning of the slice.
    due: Option<Instant>,
    /// When what is not done is given up.
    over: Option<Instant>,
}

impl<F: Fn() -> Duration> SocketDrain<F> {
    /// The drain once `drain` is cancelled.
    pub(super) fn new(drain: CancellationToken, spread: F) -> Self {
        let token = drain.clone();
        Self { token, drain: Box::pin(drain.cancelled_owned()), spread, due: None, over: None }
    }

    /// Whether the server is going down.
    pub(super) fn is_near(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Whether it has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.over.is_some()
    }

    /// Over how long the departures of all sockets are spread.
    pub(super) fn spread(&self) -> Duration {
        (self.spread)()
    }

    /// Waits for the slice of this socket. Cancel-safe.
    pub(super) async fn due(&mut self) {
        let due = if let Some(due) = self.due {
            due
        } else {
            self.drain.as_mut().await;
            *self.due.insert(Instant::now() + (self.spread)().mul_f64(rand::rng().random_range(0.0..1.0)))
        };
        sleep_until(due).await;
    }

    /// Begins, if that has not happened. When what is not done is given up.
    pub(super) fn begin(&mut self) -> Instant {
        *self.over.get_or_insert_with(|| Instant::now() + SETTLE_TIMEOUT)
    }

    /// Waits until it has begun, and begins it; or, when it has, until what is not done is given up. Whether that is so.
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
