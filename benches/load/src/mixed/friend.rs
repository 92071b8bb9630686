//! Who is whose friend, and what one has written to the other.

use std::collections::VecDeque;

use anyhow::Result;

use crate::letter::{Dialect, Letter, Mark};
use crate::tally::Tally;

/// Friends of each: half of them before and half behind in a ring of all.
pub(super) const FRIENDS: u32 = 10;
const HALF: u32 = FRIENDS / 2;

/// The number of somebody's friend.
pub(super) fn friend_of(number: u32, place: u32, users: u32) -> u32 {
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
    letter: Letter,
    sent: u64,
    /// Messages without an answer: number and when each was due.
    outbox: VecDeque<(u64, u64)>,
    /// The first of them has been sent on this socket.
    in_flight: bool,
    pub(super) acknowledged: Tally,
    /// Of what the friend has written.
    pub(super) received: Tally,
    /// The newest message of theirs, by id, and how far they were told that it was read.
    pub(super) newest: u64,
    /// The newest of both.
    pub(super) last: u64,
    pub(super) read: u64,
}

impl Friend {
    pub(super) fn new(id: i32, pair: u64, bytes: u32, seed: u64) -> Result<Self> {
        Ok(Self {
            id,
            letter: Letter::new(Dialect::V1, pair, id, bytes as usize, seed)?,
            sent: 0,
            outbox: VecDeque::new(),
            in_flight: false,
            acknowledged: Tally::default(),
            received: Tally::default(),
            newest: 0,
            last: 0,
            read: 0,
        })
    }

    /// One more message is to be sent.
    pub(super) fn write(&mut self, due: u64) {
        self.outbox.push_back((self.sent, due));
        self.sent += 1;
    }

    /// The next frame, unless one is on its way. Always the same bytes for the same message.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        let &(seq, due) = self.outbox.front().filter(|_| !self.in_flight)?;
        self.in_flight = true;
        Some(self.letter.write(seq, due))
    }

    /// The message is stored; no when it was known already, as after an answer that came late.
    pub(super) fn acknowledge(&mut self, mark: Mark) -> bool {
        let is_first = self.outbox.front() == Some(&(mark.seq, mark.intended));
        if is_first {
            self.outbox.pop_front();
            self.in_flight = false;
            self.acknowledged.note(mark.seq);
        }
        is_first
    }

    /// What is on its way is not any more; whether there was something.
    pub(super) fn give_up(&mut self) -> bool {
        std::mem::take(&mut self.in_flight)
    }

    /// Messages without an answer.
    pub(super) fn waiting(&self) -> usize {
        self.outbox.len()
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

    #[test]
    fn one_message_at_a_time_until_it_is_stored() {
        let mut friend = Friend::new(7, 3, 100, 1).unwrap();
        friend.write(50);
        friend.write(60);
        let first = friend.next().unwrap().to_vec();
        assert_eq!(friend.next(), None);
        assert!(friend.give_up() && !friend.give_up());
        assert_eq!(friend.next(), Some(first.as_slice()), "the same bytes again");
        let mark = Mark { intended: 50, pair: 3, seq: 0 };
        assert!(friend.acknowledge(mark) && !friend.acknowledge(mark));
        assert!(friend.next().is_some_and(|second| second != first));
        assert_eq!((friend.waiting(), friend.acknowledged.count), (1, 1));
    }
}
