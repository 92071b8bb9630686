//! What limiters make a socket wait for: its next frame, and a receipt that is sent later.

use std::time::Duration;

use tokio::time::Instant;

use crate::actors::{Credit, SocketLease};
use crate::domain::{Command, Seq, UserId};
use crate::protocol::v1::Context;

/// The waits of one socket; most have none.
#[derive(Default)]
pub(super) struct Pacing(Option<Box<Waits>>);

#[derive(Default)]
struct Waits {
    /// When the socket is read again.
    read_at: Option<Instant>,
    receipt: Option<HeldReceipt>,
}

/// What the device has kept, told later: receipts towards one sender are merged.
struct HeldReceipt {
    at: Instant,
    user: UserId,
    up_to: Seq,
    context: Context,
    credit: Credit,
}

impl Pacing {
    /// Reads nothing for a while.
    pub(super) fn pause(&mut self, wait: Duration) {
        self.0.get_or_insert_default().read_at = Some(Instant::now() + wait);
    }

    /// Returns whether the socket must not be read now.
    pub(super) fn is_paused(&self) -> bool {
        self.0.as_ref().is_some_and(|waits| waits.read_at.is_some())
    }

    /// Holds a receipt for a while, together with the one that is held already.
    pub(super) fn hold(&mut self, (user, up_to): (UserId, Seq), context: Context, credit: Credit, wait: Duration) {
        let held = &mut self.0.get_or_insert_default().receipt;
        let (at, up_to) = match held.take() {
            Some(earlier) => (earlier.at, up_to.max(earlier.up_to)),
            None => (Instant::now() + wait, up_to),
        };
        *held = Some(HeldReceipt { at, user, up_to, context, credit });
    }

    /// Returns whether a receipt is held.
    pub(super) fn holds_receipt(&self) -> bool {
        self.0.as_ref().is_some_and(|waits| waits.receipt.is_some())
    }

    /// Returns when the first of the waits is over.
    pub(super) fn due(&self) -> Option<Instant> {
        let waits = self.0.as_ref()?;
        waits.read_at.into_iter().chain(waits.receipt.as_ref().map(|held| held.at)).min()
    }

    /// Ends the waits that are over. Returns whether the socket may be read again.
    pub(super) fn end_due(&mut self, session: &SocketLease) -> bool {
        let now = Instant::now();
        let Some(waits) = &mut self.0 else { return false };
        let resumes = waits.read_at.take_if(|at| *at <= now).is_some();
        if let Some(held) = waits.receipt.take_if(|held| held.at <= now) {
            held.submit(session);
        }
        self.forget_if_empty();
        resumes
    }

    /// Submits the receipt that is held, before its time: the socket ends.
    pub(super) fn flush(&mut self, session: &SocketLease) {
        if let Some(held) = self.0.as_mut().and_then(|waits| waits.receipt.take()) {
            held.submit(session);
        }
        self.forget_if_empty();
    }

    fn forget_if_empty(&mut self) {
        if self.0.as_ref().is_some_and(|waits| waits.read_at.is_none() && waits.receipt.is_none()) {
            self.0 = None;
        }
    }
}

impl HeldReceipt {
    fn submit(self, session: &SocketLease) {
        let Self { user, up_to, context, credit, .. } = self;
        session.submit(Command::Delivered { user, up_to }, context, credit);
    }
}
