//! The columns of a file, and the numbers of its states.

use rusqlite::types::Value as Stored;
use sea_orm::QueryResult;

use crate::domain::{Media, MediaId, MediaState, Timestamp, UserId};
use crate::storage::StorageError;
use crate::storage::engine::row::{Column, Row, columns};

const CORRUPT: StorageError = StorageError::Corrupt("a file");

/// The state in the table (`media.state`). Released numbers never change: indexes name them.
pub(in crate::storage) const fn stored(state: MediaState) -> i16 {
    match state {
        MediaState::Created => 0,
        MediaState::Uploading => 1,
        MediaState::Complete => 2,
        MediaState::Attached => 3,
        MediaState::Deleting => 4,
    }
}

/// Returns `sql` with the numbers of the states for their names, such as `{attached}`, and for `{open}` the condition
/// that an upload is not whole, as in the index `media_open`. What takes a file from users sets `{gone}`.
pub(in crate::storage) fn with_states(sql: &str) -> String {
    let sql = sql.replace("{open}", "state < 2");
    let sql = sql.replace("{gone}", "state = {deleting}, metadata = NULL, client_key = NULL, expires_at = NULL");
    MediaState::ALL
        .iter()
        .fold(sql, |sql, state| sql.replace(&format!("{{{}}}", state.name()), &stored(*state).to_string()))
}

columns! {
    /// A file.
    pub(in crate::storage) struct MediaColumns {
        id: MediaId = "media.id",
        owner: Option<UserId> = "media.owner_id",
        size: i64 = "media.size",
        received: i64 = "media.received",
        state: MediaState = "media.state",
        sha256: Option<Vec<u8>> = "media.sha256",
        metadata: Option<String> = "media.metadata",
        created_at: Timestamp = "media.created_at",
        expires_at: Option<Timestamp> = "media.expires_at",
        lost_at: Option<Timestamp> = "media.lost_at",
        store: String = "media.store",
        upload: Option<String> = "media.upload",
    }
}

/// Reads a row of [`MediaColumns`].
pub(in crate::storage) fn media(row: Row) -> Result<Media, StorageError> {
    let row: MediaColumns = row.read()?;
    Ok(Media {
        id: row.id,
        owner: row.owner,
        size: u64::try_from(row.size).map_err(|_| CORRUPT)?,
        offset: u64::try_from(row.received).map_err(|_| CORRUPT)?,
        state: row.state,
        sha256: row.sha256.map(|hash| hash.try_into().map_err(|_| CORRUPT)).transpose()?,
        metadata: row.metadata,
        created_at: row.created_at,
        expires_at: row.expires_at,
        lost_at: row.lost_at,
        store: row.store,
        upload: row.upload,
    })
}

/// Returns a number of bytes as the database keeps it.
pub(in crate::storage) fn bytes(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Column for MediaId {
    fn from_pool(row: &QueryResult, index: usize) -> Result<Self, StorageError> {
        id(Vec::from_pool(row, index)?)
    }

    fn from_stored(value: &Stored) -> Result<Self, StorageError> {
        id(Vec::from_stored(value)?)
    }

    fn from_json(_: serde_json::Value) -> Result<Self, StorageError> {
        // A JSON list cannot hold bytes.
        Err(CORRUPT)
    }
}

fn id(bytes: Vec<u8>) -> Result<MediaId, StorageError> {
    bytes.try_into().map(MediaId).map_err(|_| CORRUPT)
}

impl Column for MediaState {
    fn from_pool(row: &QueryResult, index: usize) -> Result<Self, StorageError> {
        known(i16::from_pool(row, index)?)
    }

    fn from_stored(value: &Stored) -> Result<Self, StorageError> {
        known(i16::from_stored(value)?)
    }

    fn from_json(value: serde_json::Value) -> Result<Self, StorageError> {
        known(i16::from_json(value)?)
    }
}

fn known(number: i16) -> Result<MediaState, StorageError> {
    MediaState::ALL.into_iter().find(|state| stored(*state) == number).ok_or(CORRUPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_have_the_numbers_of_the_indexes() {
        assert_eq!(with_states("{open} {created} {uploading} {complete} {attached}"), "state < 2 0 1 2 3");
        let open = MediaState::ALL.map(|state| stored(state) < 2);
        assert_eq!(open, MediaState::ALL.map(MediaState::is_open));
        assert_eq!(with_states("{deleting}"), "4", "the index media_deleting names it");
    }
}
