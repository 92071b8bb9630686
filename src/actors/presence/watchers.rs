//! Who is told of whom, and what they were told last.

use std::collections::{HashMap, HashSet};

use ractor::ActorRef;

use crate::actors::mailbox::{Timed, cast};
use crate::actors::session::SessionMsg;
use crate::domain::{SocketId, UserId};
use crate::protocol::v1::{self, Status};

/// Sockets, and whom they watch.
pub(super) type Pairs = Vec<(SocketId, UserId)>;

#[derive(Default)]
pub(super) struct Watchers {
    by_socket: HashMap<SocketId, Watcher>,
    by_watched: HashMap<UserId, HashSet<SocketId>>,
}

/// A socket that is told who is online.
struct Watcher {
    user: UserId,
    session: ActorRef<Timed<SessionMsg>>,
    told: HashMap<UserId, Told>,
}

/// What a watcher knows of somebody.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Online,
    Offline,
}

impl Watchers {
    /// From now on the socket watches these users and nobody else.
    pub(super) fn watch(
        &mut self,
        socket: SocketId,
        user: UserId,
        session: ActorRef<Timed<SessionMsg>>,
        users: &[UserId],
    ) {
        self.unwatch(socket);
        if users.is_empty() {
            return;
        }
        for watched in users {
            self.by_watched.entry(*watched).or_default().insert(socket);
        }
        let told = users.iter().map(|watched| (*watched, Told::Nothing)).collect();
        self.by_socket.insert(socket, Watcher { user, session, told });
    }

    pub(super) fn unwatch(&mut self, socket: SocketId) {
        let Some(watcher) = self.by_socket.remove(&socket) else { return };
        for user in watcher.told.into_keys() {
            if let Some(sockets) = self.by_watched.get_mut(&user) {
                sockets.remove(&socket);
                if sockets.is_empty() {
                    self.by_watched.remove(&user);
                }
            }
        }
    }

    /// Whose socket it is, when it watches anybody.
    pub(super) fn user(&self, socket: SocketId) -> Option<UserId> {
        self.by_socket.get(&socket).map(|watcher| watcher.user)
    }

    /// The sockets that were told of a user, and so may be told of a change.
    pub(super) fn of(&self, user: UserId) -> Vec<SocketId> {
        let is_told = |watcher: &Watcher| watcher.told.get(&user).is_some_and(|told| *told != Told::Nothing);
        let sockets = self.by_watched.get(&user).into_iter().flatten().copied();
        sockets.filter(|socket| self.by_socket.get(socket).is_some_and(is_told)).collect()
    }

    /// Who watches `user` and whom `user` watches, or only as far as that is `other`.
    pub(super) fn pairs(&self, user: UserId, other: Option<UserId>) -> Pairs {
        let watching = |of: UserId| self.by_watched.get(&of).into_iter().flatten().map(move |socket| (*socket, of));
        if let Some(other) = other {
            let theirs = watching(user).filter(|(socket, _)| self.user(*socket) == Some(other));
            let own = watching(other).filter(|(socket, _)| self.user(*socket) == Some(user));
            return theirs.chain(own).collect();
        }
        let own = self.by_socket.iter().filter(|(_, watcher)| watcher.user == user);
        let own = own.flat_map(|(socket, watcher)| watcher.told.keys().map(|of| (*socket, *of)));
        watching(user).chain(own).collect()
    }

    /// The sockets of `user` that watch `other` and were told nothing yet.
    pub(super) fn untold(&self, user: UserId, other: UserId) -> Pairs {
        let is_untold = |watcher: &Watcher| watcher.user == user && watcher.told.get(&other) == Some(&Told::Nothing);
        let sockets = self.by_watched.get(&other).into_iter().flatten().copied();
        let untold = sockets.filter(|socket| self.by_socket.get(socket).is_some_and(is_untold));
        untold.map(|socket| (socket, other)).collect()
    }

    /// Tells a socket how somebody is, when that is news; `None` when it may not know. Who knew something learns `offline` then,
    /// and no more.
    pub(super) fn tell(&mut self, socket: SocketId, of: UserId, status: Option<Status>) {
        let Some(watcher) = self.by_socket.get_mut(&socket) else { return };
        let Some(told) = watcher.told.get_mut(&of) else { return };
        let (now, status) = match status {
            None if *told == Told::Nothing => return,
            None => (Told::Nothing, Status::Offline { last_seen: None }),
            Some(Status::Online) => (Told::Online, Status::Online),
            Some(offline) => (Told::Offline, offline),
        };
        if std::mem::replace(told, now) != now {
            let frame = v1::presence(of, status);
            cast(&watcher.session, SessionMsg::Whisper { socket: Some(socket), frame });
        }
    }
}
