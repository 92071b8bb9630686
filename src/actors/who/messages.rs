//! The messages of the actor, and the handles through which others speak to it or read what it knows.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::peers::{Described, Peers, Place};
use crate::actors::mailbox::Slot;
use crate::domain::{SocketId, UserId};
use crate::protocol::who::{Mark, Stamp, Typing};

pub(in crate::actors) enum WhoMsg {
    /// A word of another server, whose seal is whole; the permit makes room for another.
    Heard { place: Place, bytes: Bytes, permit: OwnedSemaphorePermit },
    /// From now on words are heard.
    Up,
    /// It is time to say that this server is there.
    Beat(Beat),
    /// The servers that have a row in the database, each with the milliseconds since it was written.
    Rows(Vec<(i64, i64)>),
    /// A socket of this server has its stamp.
    Opened { user: UserId, socket: SocketId, stamp: Stamp, mark: Mark },
    /// A socket of this server is gone.
    Closed { user: UserId, socket: SocketId },
    /// All sockets of a user at this server are gone, or those of everybody.
    Left(Option<UserId>),
    /// A user types to another, who may be connected elsewhere.
    Typing(Typing),
    /// It is time to tell the others which sockets have changed.
    Flush,
    /// Time has passed.
    Tick,
    #[cfg(feature = "testing")]
    Crash,
}

/// What the actor does not know by itself of its server.
#[derive(Clone, Copy, Debug)]
pub struct Beat {
    /// Its open sockets.
    pub sockets: usize,
    /// The time in which it will have closed them, if it is stopping.
    pub leaving_in: Option<Duration>,
}

/// The handle of the actor and of its successors.
#[derive(Clone)]
pub struct WhoHandle(pub(in crate::actors) Slot<WhoMsg>);

impl WhoHandle {
    /// Says to the other servers that this one is there.
    pub fn beat(&self, beat: Beat) {
        self.0.cast(WhoMsg::Beat(beat));
    }

    /// Reports which servers have a row in the database, each with the milliseconds since it was written.
    pub fn rows(&self, rows: Vec<(i64, i64)>) {
        self.0.cast(WhoMsg::Rows(rows));
    }

    /// Reports that a socket of this server has its stamp.
    pub(in crate::actors) fn opened(&self, user: UserId, socket: SocketId, stamp: Stamp, mark: Mark) {
        self.0.cast(WhoMsg::Opened { user, socket, stamp, mark });
    }

    /// Reports that a socket of this server is gone; it may be reported twice.
    pub(in crate::actors) fn closed(&self, user: UserId, socket: SocketId) {
        self.0.cast(WhoMsg::Closed { user, socket });
    }

    /// Reports that all sockets of a user are gone, or those of everybody.
    pub(in crate::actors) fn left(&self, user: Option<UserId>) {
        self.0.cast(WhoMsg::Left(user));
    }

    /// Shows a notice at the other servers where its receiver is connected.
    pub(in crate::actors) fn typing(&self, typing: Typing) {
        self.0.cast(WhoMsg::Typing(typing));
    }

    /// Makes the actor panic.
    #[cfg(feature = "testing")]
    pub fn crash(&self) {
        self.0.cast(WhoMsg::Crash);
    }
}

/// What is known of the other servers, readable without asking the actor, which keeps it. Clones share it.
#[derive(Clone)]
pub struct Others(pub(super) Arc<RwLock<Peers>>);

impl Others {
    pub(in crate::actors) fn new(own_boot: i64, dead_after: Duration) -> Self {
        Self(Arc::new(RwLock::new(Peers::new(own_boot, dead_after))))
    }

    /// Returns the servers that have described themselves by NATS and have not gone.
    #[must_use]
    pub fn described(&self) -> Vec<Described> {
        self.read(|peers| peers.described(Instant::now()))
    }

    /// Returns whether another server, which is not stopping, has said within so long that it can write to the store.
    #[must_use]
    pub fn can_write(&self, within: Duration) -> bool {
        let can = |other: &Described| other.here.store_ok && other.here.leaving_until.is_none();
        self.described().iter().any(|other| can(other) && other.silent_for <= within)
    }

    /// Returns whether a user is online at another server.
    pub(in crate::actors) fn is_online(&self, user: UserId) -> bool {
        self.read(|peers| peers.is_online(user))
    }

    /// Calls `what` with the question whether a user has a socket at another server, when all their sockets are known.
    /// What is known may be a moment old.
    pub(in crate::actors) fn when_all_known(&self, what: impl FnOnce(&dyn Fn(UserId) -> bool)) {
        self.read(|peers| {
            if peers.know_all(Instant::now()) {
                what(&|user| peers.is_connected(user));
            }
        });
    }

    pub(super) fn read<T>(&self, what: impl FnOnce(&Peers) -> T) -> T {
        what(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(in crate::actors) fn change<T>(&self, what: impl FnOnce(&mut Peers) -> T) -> T {
        what(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}
