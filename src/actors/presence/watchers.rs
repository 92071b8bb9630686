//! Watchers: the sockets that are shown the presence of others, and what each was shown last.

use std::collections::{HashMap, HashSet};

use crate::actors::session::messages::SessionHandle;
use crate::domain::{SocketId, UserId};
use crate::protocol::v1::{self, Status};

/// Sockets, each with a user that it watches.
pub(super) type Pairs = Vec<(SocketId, UserId)>;

#[derive(Default)]
pub(super) struct Watchers {
    by_socket: HashMap<SocketId, Watcher>,
    by_watched: HashMap<UserId, HashSet<SocketId>>,
}

/// A socket that is shown the presence of others.
struct Watcher {
    user: UserId,
    session: SessionHandle,
    shown: HashMap<UserId, Shown>,
}

/// The presence of a user that a watcher was shown last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Nothing,
    Online,
    Offline,
}

impl Watchers {
    /// Replaces the list of users that the socket watches.
    pub(super) fn watch(&mut self, socket: SocketId, user: UserId, session: SessionHandle, users: &[UserId]) {
        self.unwatch(socket);
        if users.is_empty() {
            return;
        }
        for watched in users {
            self.by_watched.entry(*watched).or_default().insert(socket);
        }
        let shown = users.iter().map(|watched| (*watched, Shown::Nothing)).collect();
        self.by_socket.insert(socket, Watcher { user, session, shown });
    }

    pub(super) fn unwatch(&mut self, socket: SocketId) {
        let Some(watcher) = self.by_socket.remove(&socket) else { return };
        for user in watcher.shown.into_keys() {
            if let Some(sockets) = self.by_watched.get_mut(&user) {
                sockets.remove(&socket);
                if sockets.is_empty() {
                    self.by_watched.remove(&user);
                }
            }
        }
    }

    /// Returns the owner of a socket that watches at least one user.
    pub(super) fn user(&self, socket: SocketId) -> Option<UserId> {
        self.by_socket.get(&socket).map(|watcher| watcher.user)
    }

    /// Returns the sockets that were shown a user, and so may be shown a change.
    pub(super) fn of(&self, user: UserId) -> Vec<SocketId> {
        let is_shown = |watcher: &Watcher| watcher.shown.get(&user).is_some_and(|shown| *shown != Shown::Nothing);
        let sockets = self.by_watched.get(&user).into_iter().flatten().copied();
        sockets.filter(|socket| self.by_socket.get(socket).is_some_and(is_shown)).collect()
    }

    /// Returns the sockets that watch `user`, and the users that `user` watches; or only those that concern `other`.
    pub(super) fn pairs(&self, user: UserId, other: Option<UserId>) -> Pairs {
        let watching = |of: UserId| self.by_watched.get(&of).into_iter().flatten().map(move |socket| (*socket, of));
        if let Some(other) = other {
            let theirs = watching(user).filter(|(socket, _)| self.user(*socket) == Some(other));
            let own = watching(other).filter(|(socket, _)| self.user(*socket) == Some(user));
            return theirs.chain(own).collect();
        }
        let own = self.by_socket.iter().filter(|(_, watcher)| watcher.user == user);
        let own = own.flat_map(|(socket, watcher)| watcher.shown.keys().map(|of| (*socket, *of)));
        watching(user).chain(own).collect()
    }

    /// Returns every socket that watches somebody, with each user whom it watches.
    pub(super) fn all_pairs(&self) -> Pairs {
        let of = |(socket, watcher): (&SocketId, &Watcher)| watcher.shown.keys().map(|of| (*socket, *of)).collect();
        self.by_socket.iter().flat_map(|entry| -> Pairs { of(entry) }).collect()
    }

    /// Returns the sockets of `user` that watch `other` and were shown nothing yet.
    pub(super) fn not_yet_shown(&self, user: UserId, other: UserId) -> Pairs {
        let is_not_shown =
            |watcher: &Watcher| watcher.user == user && watcher.shown.get(&other) == Some(&Shown::Nothing);
        let sockets = self.by_watched.get(&other).into_iter().flatten().copied();
        let not_yet_shown = sockets.filter(|socket| self.by_socket.get(socket).is_some_and(is_not_shown));
        not_yet_shown.map(|socket| (socket, other)).collect()
    }

    /// Shows a socket the status of a user, if it has changed. With `None` the socket may not see the user: if it was
    /// shown anything before, it is shown `offline`, without a time.
    pub(super) fn show(&mut self, socket: SocketId, of: UserId, status: Option<Status>) {
        let Some(watcher) = self.by_socket.get_mut(&socket) else { return };
        let Some(shown) = watcher.shown.get_mut(&of) else { return };
        let (now, status) = match status {
            None if *shown == Shown::Nothing => return,
            None => (Shown::Nothing, Status::Offline { last_seen: None }),
            Some(Status::Online) => (Shown::Online, Status::Online),
            Some(offline) => (Shown::Offline, offline),
        };
        if std::mem::replace(shown, now) != now {
            watcher.session.send_ephemeral(socket, v1::presence(of, status));
        }
    }
}
