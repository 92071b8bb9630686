//! Whose address each open socket has, so that those of a network can be closed when it is blocked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::actors::SocketCloser;
use crate::domain::{ClientAddress, SocketId};
use crate::protocol::CloseReason;

/// The clients of all open sockets.
#[derive(Default)]
pub(super) struct SocketClients(Mutex<HashMap<SocketId, (ClientAddress, SocketCloser)>>);

/// The entry of one socket, gone with this value.
pub(super) struct WithClient {
    all: Arc<SocketClients>,
    id: SocketId,
}

impl SocketClients {
    /// Adds a socket.
    pub(super) fn add(all: &Arc<Self>, id: SocketId, client: ClientAddress, closer: SocketCloser) -> WithClient {
        all.entries().insert(id, (client, closer));
        WithClient { all: all.clone(), id }
    }

    /// Closes the sockets of the clients at these addresses. Returns how many they are.
    pub(super) fn close_banned(&self, is_banned: impl Fn(ClientAddress) -> bool) -> usize {
        let banned: Vec<SocketCloser> = {
            let entries = self.entries();
            entries.values().filter(|(client, _)| is_banned(*client)).map(|(_, closer)| closer.clone()).collect()
        };
        for closer in &banned {
            closer.close(CloseReason::Banned);
        }
        banned.len()
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<SocketId, (ClientAddress, SocketCloser)>> {
        // No step leaves the map half done, so it is whole after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for WithClient {
    fn drop(&mut self) {
        self.all.entries().remove(&self.id);
    }
}
