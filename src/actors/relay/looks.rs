//! When the relay looks into the journal: one look at a time, sooner while something may be missing.

use std::time::{Duration, Instant};

/// When the journal is looked into.
#[derive(Clone, Copy)]
pub(in crate::actors) struct Pace {
    /// Time between two looks while there is no other way.
    pub(in crate::actors) poll: Duration,
    /// Time between two looks while the link is up.
    pub(in crate::actors) check: Duration,
    /// The time that a batch may be late while the link is up.
    pub(in crate::actors) gap_wait: Duration,
}

/// The looks so far.
pub(super) struct Looks {
    pace: Pace,
    now: Looking,
    last: Option<Instant>,
    is_failing: bool,
}

/// Whether a look is on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looking {
    /// None is.
    Not,
    /// One is.
    Once,
    /// One is, and what happened since asks for another.
    Twice,
}

impl Looks {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, now: Looking::Not, last: None, is_failing: false }
    }

    /// Returns the time between two questions whether one is due.
    pub(super) fn tick(&self) -> Duration {
        self.pace.poll.min(self.pace.check)
    }

    /// Returns whether none is on its way and so much time has passed that something may have been missed.
    pub(super) fn is_due(&self, is_calm: bool) -> bool {
        let wait = if is_calm && !self.is_failing { self.pace.check } else { self.pace.poll };
        // The ticks that ask come a little early or late.
        let is_time = self.last.is_none_or(|last| last.elapsed() + self.tick() / 2 >= wait);
        self.now == Looking::Not && is_time
    }

    /// Begins one. Returns false when one is on its way, behind which there will be another.
    pub(super) fn begin(&mut self) -> bool {
        if self.now != Looking::Not {
            self.now = Looking::Twice;
            return false;
        }
        self.now = Looking::Once;
        self.last = Some(Instant::now());
        true
    }

    /// Ends the one on its way. Returns whether another was asked for meanwhile.
    pub(super) fn end(&mut self) -> bool {
        std::mem::replace(&mut self.now, Looking::Not) == Looking::Twice
    }

    /// Notes whether the journal could be read. Returns whether that was different before.
    pub(super) fn note(&mut self, is_failing: bool) -> bool {
        std::mem::replace(&mut self.is_failing, is_failing) != is_failing
    }
}
