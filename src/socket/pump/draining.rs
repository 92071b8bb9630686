//! The last steps of a pump when the server goes down.

use std::time::Duration;

use rand::RngExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout_at;

use super::reading::{Reading, progress};
use super::{Pump, SocketEnd};
use crate::actors::Outgoing;
use crate::protocol::CloseReason;
use crate::socket::writing::discard;

/// Milliseconds that clients are asked to stay away, beside the time over which the drain is spread.
const RECONNECT_MS: u64 = 1000;

impl<S, F> Pump<S, F>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Fn() -> Duration,
{
    /// Sends `going_away`, and waits until what was read is stored and answered. Input is discarded meanwhile, so that
    /// a client that is busy writing gets to read. Returns why the socket is closed then.
    pub(super) async fn depart(&mut self, reading: Reading) -> SocketEnd {
        let over = self.links.drain.begin();
        let departing = async {
            self.send_going_away().await?;
            self.settle(reading).await
        };
        let settled = timeout_at(over, departing).await.unwrap_or(Ok(()));
        settled.err().unwrap_or(SocketEnd::Server(CloseReason::Restart))
    }

    /// Sends `going_away` with a time at which to come back: not the same one for all clients.
    async fn send_going_away(&mut self) -> Result<(), SocketEnd> {
        let spread_ms = u64::try_from(self.links.drain.spread().as_millis()).unwrap_or(u64::MAX);
        let jitter = rand::rng().random_range(0..=RECONNECT_MS.saturating_add(spread_ms));
        match self.links.dialect.going_away(RECONNECT_MS / 2 + jitter) {
            Some(frame) => self.write(frame.into()).await,
            None => Ok(()),
        }
    }

    /// Reads no more frames, and waits until what was read is stored and answered, and the answers are written.
    async fn settle(&mut self, mut reading: Reading) -> Result<(), SocketEnd> {
        self.pacing.flush(&self.links.session);
        if matches!(reading, Reading::Ready(_)) {
            // Gives back the credit for a frame that will not be read.
            reading = Reading::Waiting;
        }
        loop {
            let is_filling = matches!(reading, Reading::Filling(_));
            tokio::select! {
                biased;
                outgoing = self.links.queue.next() => match outgoing {
                    Outgoing::Frame(queued) => self.write(queued).await?,
                    Outgoing::Close(reason) => return Err(SocketEnd::Server(reason)),
                },
                // Room may come only when answers are written, so both go on together.
                () = progress(&mut reading, &self.links.credits, &self.links.session), if is_filling => {}
                () = self.links.credits.settled(), if !is_filling => return Ok(()),
                end = discard(&mut self.socket) => return Err(end),
            }
        }
    }
}
