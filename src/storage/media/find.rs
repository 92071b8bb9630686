//! Files as users find them: their own, and those that messages show them.

use sea_orm::DatabaseBackend;

use crate::domain::{Media, MediaId, Timestamp, UserId};
use crate::storage::engine::fixed_joins::join;
use crate::storage::engine::row::Columns as _;
use crate::storage::engine::tx::Tx as _;
use crate::storage::media::columns::{MediaColumns, media, with_states};
use crate::storage::messages::select::SHOWN_TO_READER;
use crate::storage::{Storage, StorageError};

/// The file `$1`.
pub(super) fn by_id() -> String {
    format!("SELECT {} FROM media WHERE id = $1", MediaColumns::select())
}

/// The file `$3`, when the user `$1` may read it at the time `$2`: its owner while no message names it, and from then
/// on whoever is shown a message that does.
pub(in crate::storage) fn readable_query(backend: DatabaseBackend) -> String {
    with_states(&format!(
        "SELECT {} FROM media WHERE media.id = $3 AND media.lost_at IS NULL \
         AND (media.state = {{complete}} AND media.owner_id = $1 AND media.expires_at > $2 \
         OR media.state = {{attached}} AND EXISTS (SELECT 1 FROM media_refs AS r {} {} \
         WHERE r.media_id = media.id AND m.gone_seq IS NULL AND (m.sender_id = $1 OR m.receiver_id = $1) AND {}))",
        MediaColumns::select(),
        join(backend, "messages", "m", "m.id = r.message_id"),
        // An account is gone at once, its messages a little later.
        join(backend, "conversations", "c", "c.id = m.conversation_id"),
        *SHOWN_TO_READER
    ))
}

impl Storage {
    /// Returns a file of this user, whole or not.
    pub async fn media_of(&self, owner: UserId, id: MediaId, now: Timestamp) -> Result<Option<Media>, StorageError> {
        let row = self.reads.query_one(self.statement(by_id(), [id.0.to_vec().into()])).await?;
        let found = row.map(media).transpose()?;
        Ok(found.filter(|media| media.owner == Some(owner) && media.is_there(now)))
    }

    /// Returns a whole file that this user may read.
    pub async fn readable_media(
        &self,
        user: UserId,
        id: MediaId,
        now: Timestamp,
    ) -> Result<Option<Media>, StorageError> {
        let values = [user.0.into(), now.as_micros().into(), id.0.to_vec().into()];
        let row = self.reads.query_one(self.statement(readable_query(self.backend()), values)).await?;
        row.map(media).transpose()
    }
}
