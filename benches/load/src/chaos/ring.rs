//! Who writes to whom: every client of a user to the same friends, in numbered rows of messages of its own.

use crate::mixed::friend::{FRIENDS, friend_of};

/// Clients of each user.
pub(super) const EACH: u32 = 2;

/// All users in a ring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring {
    clients: u32,
}

impl Ring {
    pub(super) fn new(clients: u32) -> Self {
        Self { clients }
    }

    pub(super) fn users(self) -> u32 {
        self.clients / EACH
    }

    /// The id of a user's account.
    pub(super) fn id(user: u32) -> i32 {
        i32::try_from(user + 1).unwrap_or(i32::MAX)
    }

    /// A friend of a user.
    pub(super) fn partner(self, user: u32, place: u32) -> u32 {
        friend_of(user, place, self.users())
    }

    /// Rows of all clients.
    pub(super) fn pairs(self) -> u64 {
        u64::from(self.clients) * u64::from(FRIENDS)
    }

    /// To whom a client of a user writes: the account, and the number of the row.
    pub(super) fn rows(self, user: u32, client: u32) -> impl Iterator<Item = (i32, u64)> {
        let first = (u64::from(user) * u64::from(EACH) + u64::from(client)) * u64::from(FRIENDS);
        (0..FRIENDS).map(move |place| (Self::id(self.partner(user, place)), first + u64::from(place)))
    }

    /// Who sends a row.
    pub(super) fn sender(self, pair: u64) -> u32 {
        let user = pair % self.pairs() / u64::from(FRIENDS * EACH);
        u32::try_from(user).unwrap_or(u32::MAX)
    }

    /// Who receives it.
    pub(super) fn receiver(self, pair: u64) -> u32 {
        let place = u32::try_from(pair % u64::from(FRIENDS)).unwrap_or(0);
        self.partner(self.sender(pair), place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_lead_back_to_their_ends() {
        let ring = Ring::new(24);
        for user in 0..ring.users() {
            for client in 0..EACH {
                for (id, pair) in ring.rows(user, client) {
                    // A client that begins anew takes numbers above all others.
                    for pair in [pair, pair + 3 * ring.pairs()] {
                        assert_eq!(ring.sender(pair), user);
                        assert_eq!(Ring::id(ring.receiver(pair)), id);
                    }
                }
            }
        }
    }
}
