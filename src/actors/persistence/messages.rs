//! The messages of the writer, and the handle through which others send them.

use std::time::Duration;

use tokio::sync::oneshot;

use super::reply::{PendingReply, RETRY_AFTER_MS, RequestPermit};
use crate::actors::mailbox::Slot;
use crate::domain::{Answer, Command};
use crate::protocol::FrameError;

pub(in crate::actors) enum PersistenceMsg {
    Submit(Box<Job>),
    /// Writes what is waiting.
    Flush,
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

    /// Carries out a command that comes from no socket, and returns its answer. The command is carried out even when
    /// the future is dropped. Fails when the command is refused, or when its outcome is not known.
    pub async fn ask(&self, command: Command, permit: RequestPermit) -> Result<Answer, FrameError> {
        let (caller, answer) = oneshot::channel();
        self.submit(command, PendingReply::caller(caller, permit));
        answer.await.unwrap_or_else(|_| Err(FrameError::unavailable(RETRY_AFTER_MS)))
    }

    /// Carries out a command whose outcome is not waited for.
    pub fn tell(&self, command: Command, permit: RequestPermit) {
        self.submit(command, PendingReply::unattended(permit));
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
