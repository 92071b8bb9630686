//! Messages without a socket: sending, deleting, and receipts.

use futures_util::future::{OptionFuture, join_all};

use super::{Service, ServiceError};
use crate::domain::{Deletion, DirectKey, Draft, MessageId, Scope, Seq, Stored, UserId};

impl Service {
    /// Stores a message and delivers it.
    pub async fn send(&self, draft: Box<Draft>) -> Result<Stored, ServiceError> {
        let (writer, permit) = self.writer.permitted().await?;
        Ok(writer.send(draft, permit).await?)
    }

    /// Deletes a message, and returns the deletion and whether an earlier command had made it.
    pub async fn delete_message(
        &self,
        user: UserId,
        id: MessageId,
        scope: Scope,
    ) -> Result<(Deletion, bool), ServiceError> {
        let (writer, permit) = self.writer.permitted().await?;
        Ok(writer.delete_message(user, id, scope, permit).await?)
    }

    /// Notes what a device of `user` keeps (`delivered`), and what the user has read of which partner (`reads`), handed
    /// over together, so that the writer merges what it can. Partners that do not exist are skipped.
    pub async fn note_receipts(
        &self,
        user: UserId,
        delivered: Option<Seq>,
        reads: impl IntoIterator<Item = (UserId, MessageId)>,
    ) -> Result<(), ServiceError> {
        let (writer, permit) = self.writer.permitted().await?;
        let delivered = delivered.map(|up_to| writer.delivered(user, up_to, permit.clone()));
        let read = |(partner, up_to)| writer.read(user, DirectKey::new(user, partner), up_to, permit.clone());
        let reads = reads.into_iter().map(read);
        let (delivered, reads) = futures_util::join!(OptionFuture::from(delivered), join_all(reads));
        for done in delivered.into_iter().chain(reads) {
            match done.map_err(ServiceError::from) {
                Err(error) if !error.is_not_found() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Notes what the user has read, without waiting for it, unless too many commands wait: for clients that cannot say
    /// what was read.
    pub fn note_read_if_idle(&self, user: UserId, partner: UserId, up_to: MessageId) {
        if let Some((writer, permit)) = self.writer.permitted_if_idle() {
            writer.read_unattended(user, DirectKey::new(user, partner), up_to, permit);
        }
    }
}
