//! The receipts of a batch: those of one user in one conversation are merged.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::domain::{DirectKey, MessageId, Seq, UserId};
use crate::storage::commands::batch::Place;

/// The receipts of a batch, merged. Sorted, so that rows next to each other are read together.
#[derive(Default)]
pub(in crate::storage::commands) struct MergedReceipts {
    pub(in crate::storage::commands) reads: BTreeMap<(UserId, DirectKey), Reads>,
    /// For each user the first report that goes furthest, which stands for the others.
    pub(super) delivered: BTreeMap<UserId, (Place, Seq)>,
}

/// All `read`s of one user in one conversation; the first that goes furthest stands for them.
pub(in crate::storage::commands) struct Reads {
    pub(super) furthest: MessageId,
    pub(super) winner: Place,
    pub(super) others: Vec<Place>,
}

impl MergedReceipts {
    pub(super) fn is_empty(&self) -> bool {
        self.reads.is_empty() && self.delivered.is_empty()
    }

    pub(in crate::storage::commands) fn read(
        &mut self,
        place: Place,
        user: UserId,
        conversation: DirectKey,
        up_to: MessageId,
    ) {
        match self.reads.entry((user, conversation)) {
            Entry::Vacant(entry) => {
                entry.insert(Reads { furthest: up_to, winner: place, others: Vec::new() });
            }
            Entry::Occupied(mut entry) => {
                let reads = entry.get_mut();
                if up_to > reads.furthest {
                    reads.furthest = up_to;
                    reads.others.push(std::mem::replace(&mut reads.winner, place));
                } else {
                    reads.others.push(place);
                }
            }
        }
    }

    pub(in crate::storage::commands) fn delivered(&mut self, place: Place, user: UserId, up_to: Seq) {
        let standing = self.delivered.entry(user).or_insert((place, up_to));
        if up_to > standing.1 {
            *standing = (place, up_to);
        }
    }
}

impl Reads {
    /// Returns the places of all commands.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        self.others.iter().copied().chain([self.winner])
    }
}
