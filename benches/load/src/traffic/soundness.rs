//! Counts of faults that must never happen.

use serde::Serialize;

use crate::tally::Tally;

/// Counts of faults that must never happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Soundness {
    /// Messages that were acknowledged and never delivered.
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) out_of_order: u64,
    /// Messages that were acknowledged and never reported to their writer as read.
    pub(crate) unread: u64,
    /// Reports of reading without an answer.
    pub(crate) unanswered: u64,
    /// Messages that were sent and never acknowledged.
    pub(crate) unacknowledged: u64,
    /// Error frames.
    pub(crate) errors: u64,
    /// Frames that a socket should not have received.
    pub(crate) strays: u64,
}

impl Soundness {
    /// Returns whether all counts are zero.
    pub(crate) fn holds(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn add(&mut self, tally: &Tally) {
        self.duplicated += tally.duplicated;
        self.out_of_order += tally.out_of_order;
    }
}

impl std::fmt::Display for Soundness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { lost, duplicated, out_of_order, unread, unanswered, unacknowledged, errors, strays } = self;
        write!(f, "lost {lost}, twice {duplicated}, out of order {out_of_order}")?;
        if unread + unanswered > 0 {
            write!(f, ", UNREAD {unread}, UNANSWERED {unanswered}")?;
        }
        if unacknowledged + errors + strays > 0 {
            write!(f, ", UNACKNOWLEDGED {unacknowledged}, ERRORS {errors}, STRAYS {strays}")?;
        }
        Ok(())
    }
}
