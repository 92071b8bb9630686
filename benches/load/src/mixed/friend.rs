//! Who is whose friend, and what one has written to the other.

use anyhow::Result;

use crate::marked_frame::{Dialect, Mark};
use crate::outbox::Outbox;
use crate::tally::Tally;

/// Friends of each: half of them before and half behind in a ring of all.
pub(crate) const FRIENDS: u32 = 10;
const HALF: u32 = FRIENDS / 2;

/// The number of somebody's friend.
pub(crate) fn friend_of(number: u32, place: u32, users: u32) -> u32 {
    let distance = place % HALF + 1;
    if place < HALF { (number + distance) % users } else { (number + users - distance) % users }
}

/// The place that somebody has among the friends of a friend.
pub(super) fn place_there(place: u32) -> u32 {
    (place + HALF) % FRIENDS
}

/// The pair number of what somebody writes to a friend.
pub(super) fn pair(number: u32, place: u32) -> u64 {
    u64::from(number) * u64::from(FRIENDS) + u64::from(place)
}

/// The sender's number and the place of the receiver there.
pub(super) fn of_pair(pair: u64) -> Option<(u32, u32)> {
    let friends = u64::from(FRIENDS);
    Some((u32::try_from(pair / friends).ok()?, u32::try_from(pair % friends).ok()?))
}

/// A friend of somebody.
pub(super) struct Friend {
    pub(super) id: i32,
    outbox: Outbox,
    pub(super) acknowledged: Tally,
    /// Of what the friend has written.
    pub(super) received: Tally,
    /// The newest message of theirs, by id.
    pub(super) newest: u64,
    /// The newest of both.
    pub(super) last: u64,
}

impl Friend {
    pub(super) fn new(id: i32, pair: u64, bytes: u32, seed: u64) -> Result<Self> {
        Ok(Self {
            id,
            outbox: Outbox::new(Dialect::V1, pair, id, bytes, seed)?,
            acknowledged: Tally::default(),
            received: Tally::default(),
            newest: 0,
            last: 0,
        })
    }

    /// One more message is to be sent.
    pub(super) fn write(&mut self, due: u64) {
        self.outbox.write(due);
    }

    /// The next frame, unless one is on its way.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        self.outbox.next()
    }

    /// The message is stored; no when it was known already.
    pub(super) fn acknowledge(&mut self, mark: Mark) -> bool {
        let is_first = self.outbox.acknowledge(mark);
        if is_first {
            self.acknowledged.note(mark.seq);
        }
        is_first
    }

    /// Messages without an answer.
    pub(super) fn waiting(&self) -> usize {
        self.outbox.waiting()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn friendship_is_mutual() {
        for users in [11, 12, 1000] {
            for number in 0..users {
                for place in 0..FRIENDS {
                    let friend = friend_of(number, place, users);
                    assert_ne!(friend, number);
                    assert_eq!(friend_of(friend, place_there(place), users), number);
                    assert_eq!(of_pair(pair(number, place)), Some((number, place)));
                }
            }
        }
    }
}
