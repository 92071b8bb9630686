//! Whether a user can be reached at another server, and whether that is known.

use std::time::{Duration, Instant};

use super::sockets::Known;
use super::{Peer, Peers, Rows};
use crate::domain::UserId;

impl Peers {
    /// Returns whether all sockets of all other servers that are alive are known, as far as this server can tell. One
    /// that is silent or was not heard yet may have others by now.
    pub(in crate::actors) fn know_all(&self, now: Instant) -> bool {
        let Some(heard_since) = self.heard_since else { return false };
        let is_known = |peer: &Peer| peer.is_known(heard_since, now, self.dead_after);
        let mut alive = self.rows.iter().flat_map(|rows| rows.alive(now, self.dead_after));
        self.by_boot.values().all(|peer| peer.is_gone || is_known(peer))
            && alive.all(|boot| boot == self.own_boot || self.by_boot.get(&boot).is_some_and(is_known))
    }

    /// Returns whether a user has a socket at another server.
    pub(in crate::actors) fn is_connected(&self, user: UserId) -> bool {
        self.by_boot.values().any(|peer| peer.has(user))
    }
}

impl Peer {
    /// Returns whether all its sockets are known. Of what it said before `heard_since` something may have been missed.
    fn is_known(&self, heard_since: Instant, now: Instant, dead_after: Duration) -> bool {
        let is_heard = |heard: Instant| heard >= heard_since && now.duration_since(heard) < dead_after;
        !self.is_gone && matches!(self.known, Known::UpTo(_)) && self.heard.is_some_and(is_heard)
    }
}

impl Rows {
    /// Returns the servers whose rows are young.
    fn alive(&self, now: Instant, dead_after: Duration) -> impl Iterator<Item = i64> {
        let since = now.duration_since(self.read);
        self.ages.iter().filter(move |(_, age)| **age + since < dead_after).map(|(boot, _)| *boot)
    }
}
