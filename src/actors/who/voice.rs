//! What this server says of itself: its words are numbered, and its changes of sockets once more among themselves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::messages::Beat;
use crate::actors::health::Health;
use crate::actors::relay::link::{Link, Word as LinkWord, WordKind};
use crate::clock::Clock;
use crate::protocol::record::LEVEL;
use crate::protocol::who::{Changed, Here, Said, UserSockets, Word, encode};
use crate::storage::Storage;
use crate::version::VERSION;

/// Least time between two words of this server that it is there, when others want to hear it.
const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// The words of this server.
pub(super) struct Voice {
    storage: Arc<Storage>,
    clock: Clock,
    health: Arc<Health>,
    link: Link,
    /// The name of this server, for people.
    label: String,
    /// The number of the last word. It begins at the time, so that a successor goes on above it.
    n: u64,
    /// The number of the last word about changes.
    changes: u64,
    /// What was told last of the server.
    beat: Option<Beat>,
    /// When it was last said that it is there.
    beaten: Option<Instant>,
    /// Whether it was not said since the others can be heard.
    is_new: bool,
}

impl Voice {
    pub(super) fn new(storage: Arc<Storage>, clock: Clock, health: Arc<Health>, link: Link, label: String) -> Self {
        let n = u64::try_from(clock.now().as_micros()).unwrap_or(0);
        // Changes above what a predecessor has said, too, so that the others notice that something is missing.
        Self { storage, clock, health, link, label, n, changes: n, beat: None, beaten: None, is_new: true }
    }

    /// Returns the number of the last word about changes.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Notes that the others, who can be heard from now on, shall say that they are there.
    pub(super) fn is_heard_anew(&mut self) {
        self.is_new = true;
    }

    /// Says that this server is there, as it is now.
    pub(super) fn beat(&mut self, beat: Beat) {
        self.beat = Some(beat);
        self.say_here();
    }

    /// Says that this server is there to one that knows nobody yet, unless it was said just now.
    pub(super) fn introduce(&mut self) {
        if self.beaten.is_none_or(|beaten| beaten.elapsed() >= LEAST_PAUSE) {
            self.say_here();
        }
    }

    /// Says that this server is there.
    pub(super) fn say_here(&mut self) {
        let Some(Beat { sockets, leaving_in }) = self.beat.filter(|_| self.link.is_up()) else { return };
        let leaving_in = leaving_in.map(|wait| i64::try_from(wait.as_secs()).unwrap_or(i64::MAX));
        let here = Here {
            label: self.label.clone(),
            version: VERSION.to_owned(),
            level: LEVEL,
            told: self.health.told().0,
            sockets: sockets as u64,
            store_ok: self.health.can_write(&self.storage),
            leaving_until: leaving_in.map(|wait| self.clock.now().plus_secs(wait)),
            hold_p99_us: self.storage.hold_p99().and_then(|held| u64::try_from(held.as_micros()).ok()),
            changes: self.changes,
            is_new: std::mem::take(&mut self.is_new),
        };
        self.beaten = Some(Instant::now());
        self.say(WordKind::Who, Said::Here(here));
    }

    /// Says which users have other sockets now.
    pub(super) fn say_changed(&mut self, users: Vec<UserSockets>) {
        // Counted while nobody hears it, too: so the others know that they have missed something.
        self.changes += 1;
        if self.link.is_up() {
            self.say(WordKind::Who, Said::Changed(Changed { number: self.changes, users }));
        }
    }

    /// Says something to all, or to one.
    pub(super) fn say(&mut self, kind: WordKind, said: Said) {
        self.n += 1;
        let bytes = encode(&Word { boot: self.storage.boot(), n: self.n, at: self.clock.now(), said });
        self.link.say(LinkWord { kind, bytes });
    }
}
