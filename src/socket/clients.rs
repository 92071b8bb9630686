//! The open sockets as others see them: whose they are, from which address, and what waits to be written to them. So
//! those of a network can be closed when it is blocked, and operators see which of them do not keep up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::actors::{QueueFigures, SocketFigures, SocketHandle};
use crate::domain::{ClientAddress, SocketId, UserId};
use crate::protocol::CloseReason;
use crate::telemetry::SocketKind;

/// The clients of all open sockets.
#[derive(Default)]
pub(super) struct SocketClients(Mutex<HashMap<SocketId, Client>>);

/// The client of one socket.
pub(super) struct Client {
    pub(super) user: UserId,
    pub(super) kind: SocketKind,
    /// Whose address it has, where that is known.
    pub(super) address: Option<ClientAddress>,
    pub(super) opened_at: Instant,
    pub(super) socket: SocketHandle,
}

/// The entry of one socket, gone with this value.
pub(super) struct WithClient {
    all: Arc<SocketClients>,
    id: SocketId,
}

impl SocketClients {
    /// Adds a socket.
    pub(super) fn add(all: &Arc<Self>, id: SocketId, client: Client) -> WithClient {
        all.entries().insert(id, client);
        WithClient { all: all.clone(), id }
    }

    /// Closes the sockets of the clients at these addresses. Returns how many they are.
    pub(super) fn close_banned(&self, is_banned: impl Fn(ClientAddress) -> bool) -> usize {
        let banned: Vec<SocketHandle> = {
            let entries = self.entries();
            let banned = entries.values().filter(|client| client.address.is_some_and(&is_banned));
            banned.map(|client| client.socket.clone()).collect()
        };
        for socket in &banned {
            socket.close(CloseReason::Banned);
        }
        banned.len()
    }

    /// Returns the figures of all open sockets.
    pub(super) fn figures(&self) -> Vec<SocketFigures> {
        let entries = self.entries();
        let figures = |(id, client): (&SocketId, &Client)| {
            let nothing_waits = QueueFigures::default();
            let (user, kind, age) = (client.user, client.kind, client.opened_at.elapsed());
            (SocketFigures { id: *id, user, kind, age, queue: nothing_waits }, client.socket.clone())
        };
        let sockets: Vec<_> = entries.iter().map(figures).collect();
        // The queues are looked at when the list is free for newcomers again.
        drop(entries);
        let with_queue = |(figures, socket): (SocketFigures, SocketHandle)| {
            Some(SocketFigures { queue: socket.queue()?, ..figures })
        };
        sockets.into_iter().filter_map(with_queue).collect()
    }

    /// Closes one socket for this reason. Returns whose it is; `None` when it is not open.
    pub(super) fn close(&self, id: SocketId, reason: CloseReason) -> Option<UserId> {
        let (user, socket) = self.entries().get(&id).map(|client| (client.user, client.socket.clone()))?;
        socket.close(reason);
        Some(user)
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<SocketId, Client>> {
        // No step leaves the map half done, so it is whole after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for WithClient {
    fn drop(&mut self) {
        self.all.entries().remove(&self.id);
    }
}
