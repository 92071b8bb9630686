//! The check of a mixed load.

use super::friend;
use super::person::Person;
use crate::traffic::Soundness;

/// Checks all people, in the order of their numbers.
pub(super) fn judge(all: &[Person], errors: u64) -> Soundness {
    let mut sound = Soundness { errors, ..Soundness::default() };
    let users = u32::try_from(all.len()).unwrap_or(u32::MAX);
    for person in all {
        sound.out_of_order += person.disorder;
        sound.strays += person.strays;
        for (friend, place) in person.friends.iter().zip(0..) {
            sound.duplicated += friend.received.duplicated;
            sound.out_of_order += friend.received.out_of_order;
            sound.unacknowledged += friend.waiting() as u64;
            let other = all.get(friend::friend_of(person.number, place, users) as usize);
            let there = other.and_then(|other| other.friends.get(friend::place_there(place) as usize));
            if let Some(there) = there {
                sound.lost += friend.acknowledged.not_in(&there.received);
            }
        }
    }
    sound
}
