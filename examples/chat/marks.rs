//! What has become of a message: stored, delivered, read.

use std::collections::BTreeMap;
use std::fmt;

use fluent_client::{Receipt, ReceiptKind};

/// Shown beside an own message.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Mark {
    /// The server has it.
    Stored,
    /// A device of the partner has it.
    Delivered,
    /// The partner has seen it.
    Read,
}

impl fmt::Display for Mark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Stored => "✓",
            Self::Delivered => "✓✓",
            Self::Read => "✓✓ read",
        })
    }
}

/// The newest receipts of each partner. Receipts are cumulative, so two numbers tell of all messages.
#[derive(Default)]
pub(crate) struct Marks {
    partners: BTreeMap<i64, Positions>,
}

/// How far a partner is, in message ids.
#[derive(Clone, Copy, Default)]
pub(crate) struct Positions {
    pub(crate) delivered: i64,
    pub(crate) read: i64,
}

impl Marks {
    /// Takes in a receipt of a partner; whether it moves anything.
    pub(crate) fn apply(&mut self, receipt: &Receipt) -> bool {
        let positions = self.partners.entry(receipt.user_id).or_default();
        let before = *positions;
        positions.delivered = positions.delivered.max(receipt.up_to_id);
        if receipt.kind == ReceiptKind::Read {
            positions.read = positions.read.max(receipt.up_to_id);
        }
        (positions.delivered, positions.read) != (before.delivered, before.read)
    }

    /// Of an own message to this partner.
    pub(crate) fn of(&self, partner: i64, id: i64) -> Mark {
        match self.partners.get(&partner) {
            Some(positions) if id <= positions.read => Mark::Read,
            Some(positions) if id <= positions.delivered => Mark::Delivered,
            _ => Mark::Stored,
        }
    }

    /// All partners and how far they are.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (i64, Positions)> {
        self.partners.iter().map(|(&partner, &positions)| (partner, positions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(kind: ReceiptKind, up_to_id: i64) -> Receipt {
        Receipt { kind, user_id: 2, partner_id: 1, up_to_id, reference: None }
    }

    #[test]
    fn receipts_become_marks_and_never_go_back() {
        let mut marks = Marks::default();
        assert_eq!(marks.of(2, 5), Mark::Stored);
        assert!(marks.apply(&receipt(ReceiptKind::Delivered, 5)));
        assert_eq!([4, 5, 6].map(|id| marks.of(2, id)), [Mark::Delivered, Mark::Delivered, Mark::Stored]);
        assert_eq!(marks.of(3, 5), Mark::Stored, "another partner");
        assert!(marks.apply(&receipt(ReceiptKind::Read, 4)));
        assert_eq!([4, 5].map(|id| marks.of(2, id)), [Mark::Read, Mark::Delivered]);
        assert!(!marks.apply(&receipt(ReceiptKind::Delivered, 3)));
        assert!(marks.apply(&receipt(ReceiptKind::Read, 7)), "read implies delivered");
        assert_eq!([5, 7, 8].map(|id| marks.of(2, id)), [Mark::Read, Mark::Read, Mark::Stored]);
    }
}
