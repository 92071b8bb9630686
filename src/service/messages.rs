//! Messages without a socket: sending, deleting, and receipts.

use super::commands::unexpected;
use super::{Service, ServiceError};
use crate::domain::{Answer, Command, Deletion, DirectKey, Draft, MessageId, Scope, Seq, Stored, UserId};

impl Service {
    /// Stores a message and delivers it.
    pub async fn send(&self, draft: Box<Draft>) -> Result<Stored, ServiceError> {
        match self.carry_out(Command::Send(draft)).await? {
            Answer::Stored(stored) => Ok(stored),
            other => Err(unexpected(&other)),
        }
    }

    /// Deletes a message, and returns the deletion and whether an earlier command had made it.
    pub async fn delete_message(
        &self,
        user: UserId,
        id: MessageId,
        scope: Scope,
    ) -> Result<(Deletion, bool), ServiceError> {
        match self.carry_out(Command::Delete { user, id, scope }).await? {
            Answer::Deleted { deletion, duplicate } => Ok((deletion, duplicate)),
            other => Err(unexpected(&other)),
        }
    }

    /// Notes what a device of `user` keeps (`delivered`), and what the user has read of which partner (`reads`).
    /// Partners that do not exist are skipped.
    pub async fn note_receipts(
        &self,
        user: UserId,
        delivered: Option<Seq>,
        reads: impl IntoIterator<Item = (UserId, MessageId)>,
    ) -> Result<(), ServiceError> {
        let delivered = delivered.map(|up_to| Command::Delivered { user, up_to });
        let reads = reads.into_iter().map(|(partner, up_to)| read(user, partner, up_to));
        for done in self.carry_out_all(delivered.into_iter().chain(reads).collect()).await? {
            match done {
                Err(error) if !error.is_not_found() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Notes what the user has read, without waiting for it, unless too many commands wait: for clients that cannot say
    /// what was read.
    pub fn note_read_if_idle(&self, user: UserId, partner: UserId, up_to: MessageId) {
        self.carry_out_if_idle(read(user, partner, up_to));
    }
}

/// The command by which a user has read the messages of a partner.
fn read(user: UserId, partner: UserId, up_to: MessageId) -> Command {
    Command::Read { user, conversation: DirectKey::new(user, partner), up_to }
}
