//! What this server knows of the others, as plain data.
//!
//! A server is known from its first word on. It counts as gone when it is silent and its row in the database is old,
//! too; while words cannot be heard, nobody is silent. Who has gone is remembered for a while, so that its last words
//! are not taken for new ones when somebody says them again.

mod reach;
pub(super) mod sockets;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use crate::domain::{SocketId, Timestamp, UserId};
use crate::protocol::who::{Here, Mark, Stamp, Word};
use sockets::{Known, Sockets};

/// Age from which on a word is not taken.
const STALE_US: i64 = 5_000_000;
/// Time for which a server that has gone is remembered: by then its words are too old.
const REMEMBERED: Duration = Duration::from_secs(30);

/// Where a word was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::actors) enum Place {
    /// To all.
    All,
    /// To this server alone.
    Alone,
}

/// The other servers.
pub(in crate::actors) struct Peers {
    own_boot: i64,
    dead_after: Duration,
    by_boot: HashMap<i64, Peer>,
    /// Since when words are heard; `None` while they are not.
    heard_since: Option<Instant>,
    /// Since when they are not.
    deaf_since: Option<Instant>,
    rows: Option<Rows>,
    /// The sockets of this server.
    own: BTreeMap<(UserId, Stamp), (Mark, SocketId)>,
}

/// One of them.
#[derive(Default)]
struct Peer {
    /// The greatest number of a word to all, and to this server alone.
    last: [Option<u64>; 2],
    /// When it was heard last.
    heard: Option<Instant>,
    here: Option<Here>,
    is_gone: bool,
    known: Known,
    sockets: Sockets,
    /// Users who have left it while it is stopping, and come back somewhere.
    lingering: BTreeSet<UserId>,
}

/// The rows in the database.
struct Rows {
    read: Instant,
    /// When each was written, before `read`.
    ages: HashMap<i64, Duration>,
}

/// A server as it has last described itself.
#[derive(Clone, Debug)]
pub struct Described {
    /// Its run.
    pub boot: i64,
    /// What it has said.
    pub here: Here,
    /// How long ago something was heard of it.
    pub silent_for: Duration,
}

impl Peers {
    /// Knows nobody.
    pub(in crate::actors) fn new(own_boot: i64, dead_after: Duration) -> Self {
        Self {
            own_boot,
            dead_after,
            by_boot: HashMap::new(),
            heard_since: None,
            deaf_since: None,
            rows: None,
            own: BTreeMap::new(),
        }
    }

    /// Returns whether a word is taken: it is neither of this server, nor old, nor was it or a later one heard before.
    pub(in crate::actors) fn admit(&mut self, place: Place, word: &Word, now: Instant, time: Timestamp) -> bool {
        let age = time.as_micros().abs_diff(word.at.as_micros());
        if word.boot == self.own_boot || age > STALE_US.unsigned_abs() {
            return false;
        }
        let peer = self.by_boot.entry(word.boot).or_default();
        let Some(last) = peer.last.get_mut(place as usize) else { return false };
        if last.is_some_and(|last| word.n <= last) {
            return false;
        }
        *last = Some(word.n);
        peer.heard = Some(now);
        peer.is_gone = false;
        true
    }

    /// Takes what a server says of itself.
    pub(in crate::actors) fn describe(&mut self, boot: i64, here: Here) {
        if let Some(peer) = self.by_boot.get_mut(&boot) {
            peer.here = Some(here);
        }
    }

    /// Takes the age of each row in the database.
    pub(in crate::actors) fn read_rows(&mut self, ages: HashMap<i64, Duration>, now: Instant) {
        self.rows = Some(Rows { read: now, ages });
    }

    /// Notes whether words are heard.
    pub(in crate::actors) fn listen(&mut self, hears: bool, now: Instant) {
        if hears != self.heard_since.is_some() {
            self.heard_since = hears.then_some(now);
        }
        self.deaf_since = if hears { None } else { self.deaf_since.or(Some(now)) };
    }

    /// Returns whether words have not been heard for so long that users elsewhere no longer count as they were.
    pub(in crate::actors) fn is_deaf_for(&self, hold: Duration, now: Instant) -> bool {
        self.deaf_since.is_some_and(|since| now.duration_since(since) >= hold)
    }

    /// Returns who has gone since it was asked last, and forgets who has gone long ago. One that is stopping has said
    /// until when.
    pub(in crate::actors) fn gone(&mut self, now: Instant, time: Timestamp) -> Vec<i64> {
        let Some(heard_since) = self.heard_since else { return Vec::new() };
        let mut gone = Vec::new();
        self.by_boot.retain(|boot, peer| {
            let silent = now.duration_since(peer.heard.unwrap_or(heard_since).max(heard_since));
            if peer.is_gone {
                return silent < REMEMBERED;
            }
            let row_is_old = self.rows.as_ref().is_some_and(|rows| rows.is_old(*boot, now, self.dead_after));
            let is_leaving = peer.leaving_until().is_some_and(|until| until > time);
            if silent >= self.dead_after && row_is_old && !is_leaving {
                peer.is_gone = true;
                gone.push(*boot);
            }
            true
        });
        gone
    }

    /// Returns the servers that have described themselves and have not gone.
    pub(in crate::actors) fn described(&self, now: Instant) -> Vec<Described> {
        let described = self.by_boot.iter().filter(|(_, peer)| !peer.is_gone).filter_map(|(boot, peer)| {
            let silent_for = now.duration_since(peer.heard?);
            Some(Described { boot: *boot, here: peer.here.clone()?, silent_for })
        });
        described.collect()
    }
}

impl Rows {
    /// Returns whether the row of a server is old or gone, as far as the rows are known.
    fn is_old(&self, boot: i64, now: Instant, dead_after: Duration) -> bool {
        let since = now.duration_since(self.read);
        since < dead_after && self.ages.get(&boot).is_none_or(|age| *age + since >= dead_after)
    }
}

#[cfg(test)]
mod tests;
