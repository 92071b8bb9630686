//! The outbox of one device: whether it is owed a wake-up, and when that is sent. One row a device, so there is never
//! more than one debt, nor more than one request on its way.
//!
//! What many rows go through at once, being owed and acknowledged, the store says in SQL again; a test compares the
//! two.

use super::{PushOutcome, Sent};
use crate::domain::{Seq, Timestamp};

/// Seconds before a device is woken for what may wait, so that more can gather.
pub(crate) const GATHER_S: i64 = 60;
/// Seconds between two wake-ups for what may wait: as Signal's server does it, within what iOS allows.
pub(crate) const NORMAL_EVERY_S: i64 = 20 * 60;
/// Seconds after a wake-up that was not answered before the next: doubled each time, up to the last.
pub(crate) const UNANSWERED_S: std::ops::Range<i64> = 60..900;
/// Seconds before a suspended device is tried again: doubled each time, up to the last.
pub(crate) const SUSPENDED_S: std::ops::Range<i64> = 600..86_400;
/// Seconds before a device is tried again whose provider is held back for all.
const HELD_BACK_S: i64 = 60;
/// Longest backoff of a retry.
const LONGEST_BACKOFF_S: u32 = 300;
/// Longest wait that a provider may ask for.
const LONGEST_WAIT_S: i64 = 3600;
/// Tries with an answer that is not understood, after which the debt is given up.
const RETRIES: u32 = 20;
/// Seconds after which a debt is dropped: longer no provider keeps a wake-up.
pub(crate) const DEBT_LASTS_S: i64 = 28 * 24 * 3600;

/// A wake-up that is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Debt {
    /// The newest message for which it is owed.
    pub seq: Seq,
    /// Whether it is owed at once.
    pub is_urgent: bool,
    /// Since when it is owed.
    pub since: Timestamp,
}

/// What makes a wake-up owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The message.
    pub seq: Seq,
    /// Whether the device is to be woken at once.
    pub is_urgent: bool,
    /// The time before which it is not sent: the device may come by itself.
    pub not_before: Timestamp,
}

/// What came of a request that was made for a debt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// The newest message that it was made for.
    pub to: Seq,
    /// Its outcome.
    pub sent: Sent,
    /// A random number, which spreads retries.
    pub random: u64,
}

/// The part of a target that moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outbox {
    /// Whether the provider has refused this device alone: it is tried seldom, until it registers again.
    pub is_suspended: bool,
    /// The newest event that the device has acknowledged.
    pub acked: Seq,
    /// The wake-up that is owed.
    pub debt: Option<Debt>,
    /// When it is due; while a request is on its way, when that counts as lost.
    pub due_at: Option<Timestamp>,
    /// Whether a request is on its way.
    pub is_leased: bool,
    /// Tries of this debt that have failed.
    pub attempts: u32,
    /// The newest message for which a wake-up was accepted, or given up.
    pub woken: Seq,
    /// When the last wake-up was accepted.
    pub woken_at: Option<Timestamp>,
    /// Wake-ups that were accepted since the device was there last.
    pub unanswered: u32,
}

impl Outbox {
    /// Returns the outbox of a device that registers while `head` is the newest number: what is older, it reads itself.
    #[must_use]
    pub fn new(head: Seq) -> Self {
        Self {
            is_suspended: false,
            acked: head,
            debt: None,
            due_at: None,
            is_leased: false,
            attempts: 0,
            woken: Seq(0),
            woken_at: None,
            unanswered: 0,
        }
    }

    /// Returns when a wake-up that is owed `now` may be sent.
    fn earliest(&self, is_urgent: bool, now: Timestamp) -> Timestamp {
        let after = |seconds| self.woken_at.map_or(now, |at| at.plus_secs(seconds));
        if !is_urgent {
            return now.plus_secs(GATHER_S).max(after(NORMAL_EVERY_S));
        }
        match self.unanswered.checked_sub(1) {
            None => now,
            Some(times) => now.max(after(doubled(&UNANSWERED_S, times))),
        }
    }

    /// Owes a wake-up for a message.
    pub fn owe(&mut self, owed: Owed, now: Timestamp) {
        if owed.seq <= self.acked {
            return;
        }
        let earliest = self.earliest(owed.is_urgent, now).max(owed.not_before);
        let first = self.debt.is_none();
        let debt = self.debt.get_or_insert(Debt { seq: owed.seq, is_urgent: owed.is_urgent, since: now });
        debt.seq = debt.seq.max(owed.seq);
        debt.is_urgent |= owed.is_urgent;
        if self.is_leased {
            return;
        }
        if first {
            self.due_at = Some(if self.is_suspended { now.plus_secs(SUSPENDED_S.start) } else { earliest });
        } else if owed.is_urgent && self.attempts == 0 && !self.is_suspended {
            self.due_at = Some(self.due_at.map_or(earliest, |due| due.min(earliest)));
        }
    }

    /// Notes that the device has everything up to this event.
    pub fn acknowledge(&mut self, up_to: Seq) {
        self.acked = self.acked.max(up_to);
        if self.debt.is_some_and(|debt| debt.seq > self.acked) {
            return;
        }
        self.debt = None;
        (self.attempts, self.unanswered) = (0, 0);
        if !self.is_leased {
            self.due_at = None;
        }
    }

    /// Begins a request, which counts as lost at `until`. Returns the newest message that it is for; `None` when
    /// nothing is due.
    pub fn lease(&mut self, now: Timestamp, until: Timestamp) -> Option<Debt> {
        self.due_at.filter(|due| *due <= now)?;
        self.is_leased = self.debt.is_some();
        self.due_at = self.debt.map(|_| until);
        self.debt
    }

    /// Gives a request up whose outcome will not be known: the debt is due again.
    pub fn void_lease(&mut self, now: Timestamp) {
        self.is_leased = false;
        self.due_at = self.debt.map(|_| now);
    }

    /// Puts a debt off that could not be tried.
    pub fn put_off(&mut self, until: Timestamp) {
        self.is_leased = false;
        self.due_at = self.debt.map(|_| until);
    }

    /// Takes the outcome of the request that is on its way. Returns whether the target is kept: the device's address is
    /// no longer good otherwise.
    #[must_use]
    pub fn settle(&mut self, attempted: &Attempted, now: Timestamp) -> bool {
        let Attempted { to, ref sent, random } = *attempted;
        self.is_leased = false;
        match sent.outcome {
            PushOutcome::Accepted => {
                self.woken_at = Some(now);
                // A device may have come before the provider's answer.
                self.unanswered = if self.acked < to { self.unanswered.saturating_add(1) } else { 0 };
                self.is_suspended = false;
                self.cover(to, now);
            }
            PushOutcome::GaveUp => self.cover(to, now),
            PushOutcome::Retry if self.attempts + 1 >= RETRIES && is_not_understood(sent) => self.cover(to, now),
            PushOutcome::Retry => {
                self.attempts = self.attempts.saturating_add(1);
                let longest = 1_u64.checked_shl(self.attempts).unwrap_or(u64::MAX).min(LONGEST_BACKOFF_S.into());
                let backoff = i64::try_from(random % (longest * 1000 + 1)).unwrap_or(0);
                let asked = sent.after.map_or(0, |after| i64::try_from(after.as_secs()).unwrap_or(i64::MAX));
                let earliest = now.plus_secs(asked.min(LONGEST_WAIT_S));
                self.put_off(
                    Timestamp::from_micros(now.as_micros().saturating_add(backoff.saturating_mul(1000))).max(earliest),
                );
            }
            PushOutcome::Config if sent.for_all => self.put_off(now.plus_secs(HELD_BACK_S)),
            PushOutcome::Dead if !sent.is_fused => return false,
            PushOutcome::Config | PushOutcome::Dead => {
                self.put_off(now.plus_secs(doubled(&SUSPENDED_S, self.attempts)));
                self.attempts = self.attempts.saturating_add(1);
                self.is_suspended = true;
            }
        }
        if self.debt.is_none() && !self.is_suspended {
            // The request was a test, or the device has come meanwhile.
            self.attempts = 0;
        }
        true
    }

    /// Ends what was owed up to `to`; what was owed since stays.
    fn cover(&mut self, to: Seq, now: Timestamp) {
        self.woken = self.woken.max(to);
        self.attempts = 0;
        self.debt = self.debt.filter(|debt| debt.seq > to);
        self.due_at = self.debt.map(|debt| self.earliest(debt.is_urgent, now));
    }

    /// Takes another address of the device: what is owed is due now.
    pub fn registered_again(&mut self, now: Timestamp) {
        (self.is_suspended, self.attempts, self.unanswered) = (false, 0, 0);
        if !self.is_leased {
            self.due_at = self.debt.map(|_| now);
        }
    }

    /// Drops a debt that is too old.
    pub fn drop_old(&mut self, now: Timestamp) {
        if let Some(debt) = self.debt.filter(|debt| debt.since.plus_secs(DEBT_LASTS_S) <= now) {
            self.cover(debt.seq, now);
        }
    }
}

/// Returns whether a provider's answer is neither one of those that say when it is overloaded or broken, nor none.
fn is_not_understood(sent: &Sent) -> bool {
    sent.status.is_some_and(|status| status != 429 && status < 500)
}

/// Returns the first of `seconds`, doubled so many times, up to the last.
fn doubled(seconds: &std::ops::Range<i64>, times: u32) -> i64 {
    seconds.start.saturating_mul(1_i64.checked_shl(times).filter(|n| *n > 0).unwrap_or(i64::MAX)).min(seconds.end)
}

#[cfg(test)]
mod tests;
