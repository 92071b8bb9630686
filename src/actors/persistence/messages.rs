//! The messages of the writer, and the handle through which others send them.

use std::time::Duration;

use tokio::sync::oneshot;

use super::reply::PendingReply;
use crate::actors::mailbox::Slot;
use crate::domain::Command;

pub(in crate::actors) enum PersistenceMsg {
    Submit(Box<Job>),
    /// Writes what is waiting, or begins to wait for its turn.
    Flush,
    /// The wait for the row of `store` is over: writes what is waiting.
    RowHeld,
    /// Finds out where the store stands.
    Recover,
    /// Looks whether the store is still in its place, and whether requests can write.
    CheckStore,
    Drain(oneshot::Sender<()>),
    #[cfg(feature = "testing")]
    Crash,
}

/// A command, and where its answer goes.
pub(in crate::actors) struct Job {
    pub(in crate::actors) command: Command,
    pub(in crate::actors) reply: PendingReply,
}

/// The writer, in its present incarnation.
#[derive(Clone)]
pub struct PersistenceHandle(pub(in crate::actors) Slot<PersistenceMsg>);

impl PersistenceHandle {
    /// Carries out a command. While the writer is being replaced the reply is dropped, which refuses the command.
    pub(in crate::actors) fn submit(&self, command: Command, reply: PendingReply) {
        self.0.cast(PersistenceMsg::Submit(Box::new(Job { command, reply })));
    }

    /// Writes all that is waiting and ends the writer; gives up after `limit`.
    pub async fn drain(&self, limit: Duration) {
        let (reply, drained) = oneshot::channel();
        self.0.cast(PersistenceMsg::Drain(reply));
        if tokio::time::timeout(limit, drained).await.is_err() {
            let seen = self.0.stats().snapshot();
            tracing::error!(waiting = seen.waiting, busy_for = ?seen.busy_for, "the writer did not finish in time");
        }
    }

    /// Makes the writer panic.
    #[cfg(feature = "testing")]
    pub fn crash(&self) {
        self.0.cast(PersistenceMsg::Crash);
    }
}
