//! The two sides of a pair.

use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::time::{Instant, interval_at, sleep};

use crate::clock;
use crate::marked_frame::{MarkedFrame, Seen, scan};
use crate::socket::Socket;
use crate::tally::Tally;

/// Longest wait for the last replies.
const SETTLE: Duration = Duration::from_secs(10);

/// The phase of the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Write,
    /// No more messages are sent.
    Settle,
    End,
}

/// The result of a writer.
pub(super) struct Written {
    pub(super) pair: u64,
    pub(super) sent: u64,
    pub(super) acknowledged: Tally,
    pub(super) errors: u64,
}

/// The result of a reader.
pub(super) struct Read {
    pub(super) pair: u64,
    pub(super) tally: Tally,
    /// When each message was due, and when it came.
    pub(super) times: Vec<(u64, u64)>,
    pub(super) strays: u64,
}

/// Writes at `first`, and then after each `period`.
pub(super) async fn write(
    mut socket: Socket,
    mut frame: MarkedFrame,
    pair: u64,
    (first, period): (Instant, Duration),
    mut phase: watch::Receiver<Phase>,
) -> Result<Written> {
    // Late messages are sent at once, each for the time at which it was due.
    let mut ticks = interval_at(first, period);
    let mut this = Written { pair, sent: 0, acknowledged: Tally::default(), errors: 0 };
    loop {
        tokio::select! {
            due = ticks.tick() => {
                socket.queue(frame.write(this.sent, clock::now() - clock::nanos(due.elapsed())));
                this.sent += 1;
            }
            turned = socket.transfer() => {
                turned?;
                this.read(&mut socket)?;
            }
            _ = phase.wait_for(|phase| *phase != Phase::Write) => break,
        }
    }
    let end = sleep(SETTLE);
    tokio::pin!(end);
    while this.acknowledged.count + this.errors < this.sent {
        tokio::select! {
            turned = socket.transfer() => turned?,
            () = &mut end => break,
        }
        this.read(&mut socket)?;
    }
    Ok(this)
}

impl Written {
    fn read(&mut self, socket: &mut Socket) -> Result<()> {
        while let Some(frame) = socket.next()? {
            match scan(frame) {
                Seen::Acknowledged(mark) => self.acknowledged.note(mark.seq),
                Seen::Error => self.errors += 1,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Records the messages that arrive.
pub(super) async fn read(mut socket: Socket, pair: u64, mut phase: watch::Receiver<Phase>) -> Result<Read> {
    let mut this = Read { pair, tally: Tally::default(), times: Vec::new(), strays: 0 };
    loop {
        tokio::select! {
            turned = socket.transfer() => turned?,
            _ = phase.wait_for(|phase| *phase == Phase::End) => return Ok(this),
        }
        let now = clock::now();
        while let Some(frame) = socket.next()? {
            match scan(frame) {
                Seen::Received(mark) if mark.pair == pair => {
                    this.tally.note(mark.seq);
                    this.times.push((mark.intended, now));
                }
                Seen::Received(_) | Seen::Acknowledged(_) => this.strays += 1,
                _ => {}
            }
        }
    }
}
