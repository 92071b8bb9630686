//! The connected users, and the queues of their sockets.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::mpsc;

use super::wire::{Draft, Message};
use crate::clock;

/// Most messages in a socket's queue; further ones are dropped.
const QUEUE: usize = 1024;

type Queue = mpsc::Sender<Arc<Message>>;

/// The connected users.
pub(super) struct Hub {
    users: RwLock<HashMap<i32, Vec<(u64, Queue)>>>,
    sockets: AtomicU64,
    jobs: mpsc::Sender<Draft>,
}

impl Hub {
    /// Makes a hub that sends incoming messages to `jobs`.
    pub(super) fn new(jobs: mpsc::Sender<Draft>) -> Self {
        Self { users: RwLock::default(), sockets: AtomicU64::new(0), jobs }
    }

    /// Adds a socket, and returns its number and its queue.
    pub(super) fn join(&self, user: i32) -> (u64, mpsc::Receiver<Arc<Message>>) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let socket = self.sockets.fetch_add(1, Ordering::Relaxed);
        let mut users = self.users.write().unwrap_or_else(PoisonError::into_inner);
        users.entry(user).or_default().push((socket, sender));
        (socket, queue)
    }

    /// Removes a socket.
    pub(super) fn leave(&self, user: i32, socket: u64) {
        let mut users = self.users.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(sockets) = users.get_mut(&user) {
            sockets.retain(|(other, _)| *other != socket);
        }
    }

    /// Submits a message; waits while too many are waiting.
    pub(super) async fn submit(&self, draft: Draft) {
        // The writer ends only with the process.
        let _ = self.jobs.send(draft).await;
    }

    /// Shows messages to all sockets of both sides.
    pub(super) fn deliver(&self, messages: impl IntoIterator<Item = Message>) {
        let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
        for message in messages.into_iter().map(Arc::new) {
            let (sender, receiver) = (message.draft.sender, message.draft.receiver);
            let sides = [Some(sender), Some(receiver).filter(|receiver| *receiver != sender)];
            for (_, queue) in sides.into_iter().flatten().filter_map(|user| users.get(&user)).flatten() {
                // Full or gone: the tool reports the missing message.
                let _ = queue.try_send(message.clone());
            }
        }
    }
}

/// Forwards messages at once, without storing them.
pub(super) async fn forward(hub: Arc<Hub>, mut waiting: mpsc::Receiver<Draft>) {
    let mut id = 0;
    let mut drafts = Vec::new();
    while waiting.recv_many(&mut drafts, QUEUE).await > 0 {
        let timestamp = clock::unix_micros();
        hub.deliver(drafts.drain(..).map(|draft| {
            id += 1;
            Message { draft, id, conversation: 1, timestamp }
        }));
    }
}
