//! The receipts of a batch: those of one user in one conversation are merged.

use std::collections::HashMap;

use crate::domain::{DirectKey, MessageId, Seq, UserId};
use crate::storage::commands::batch::Place;

/// The receipts of a batch, merged.
#[derive(Default)]
pub(in crate::storage::commands) struct MergedReceipts {
    pub(super) reads: HashMap<(UserId, DirectKey), Reads>,
    /// The keys of `reads`, in the order of arrival.
    pub(super) order: Vec<(UserId, DirectKey)>,
    pub(super) delivered: Vec<(UserId, Place, Seq)>,
}

/// All `read`s of one user in one conversation; the first that goes furthest stands for them.
pub(super) struct Reads {
    pub(super) furthest: MessageId,
    pub(super) winner: Place,
    pub(super) others: Vec<Place>,
}

impl MergedReceipts {
    pub(in crate::storage::commands) fn read(
        &mut self,
        place: Place,
        user: UserId,
        conversation: DirectKey,
        up_to: MessageId,
    ) {
        let Some(reads) = self.reads.get_mut(&(user, conversation)) else {
            self.order.push((user, conversation));
            self.reads.insert((user, conversation), Reads { furthest: up_to, winner: place, others: Vec::new() });
            return;
        };
        if up_to > reads.furthest {
            reads.furthest = up_to;
            reads.others.push(std::mem::replace(&mut reads.winner, place));
        } else {
            reads.others.push(place);
        }
    }

    pub(in crate::storage::commands) fn delivered(&mut self, place: Place, user: UserId, up_to: Seq) {
        match self.delivered.iter_mut().find(|(other, ..)| *other == user) {
            Some((_, winner, furthest)) if up_to > *furthest => (*winner, *furthest) = (place, up_to),
            Some(_) => {}
            None => self.delivered.push((user, place, up_to)),
        }
    }
}
