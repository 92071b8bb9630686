//! What a session tells the presence actor: whom its sockets watch, and whether its user is online.

use super::SessionState;
use super::credit::Credit;
use crate::domain::{SocketId, UserId};

impl SessionState {
    /// Lets a socket watch these users, and no longer those that it watched before.
    pub(super) fn watch(&mut self, socket: SocketId, users: Vec<UserId>, credit: Credit) {
        let (presence, user, handle) = (self.args.presence.clone(), self.args.user, self.handle.clone());
        self.with_socket(socket, |socket| {
            socket.watching.clone_from(&users);
            presence.watch(user, socket.id, handle, users, Some(credit));
            true
        });
    }

    /// Reports this user to a new presence actor, which does not know the user yet.
    pub(super) fn report_presence(&mut self) {
        self.is_online = false;
        self.update_presence();
        for socket in self.sockets.iter().filter(|socket| !socket.watching.is_empty()) {
            let watching = socket.watching.clone();
            self.args.presence.watch(self.args.user, socket.id, self.handle.clone(), watching, None);
        }
    }

    /// Reports when the user appears and disappears.
    pub(super) fn update_presence(&mut self) {
        let is_online = self.sockets.iter().any(|socket| !socket.is_background);
        if is_online != self.is_online {
            self.is_online = is_online;
            self.args.presence.seen(self.args.user, is_online);
        }
    }
}
