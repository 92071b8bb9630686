//! The numbers that stand for kinds in the tables: of events that are neither messages nor receipts, and of the ways in
//! which a message is gone.

use rusqlite::types::Value as Stored;
use sea_orm::QueryResult;

use crate::storage::StorageError;
use crate::storage::engine::row::Column;

/// The kind of a row of `events` (`events.kind`), which says what `subject` and `detail` are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) enum EventKind {
    /// `subject` is the message.
    DeletedForMe,
    /// `subject` is the message.
    DeletedForAll,
    /// `subject` is the message.
    Expired,
    /// Belongs to user 0, which stands for all users. `subject` is the time in microseconds.
    DeletedBefore,
    /// `subject` is the user, `detail` the name of the key.
    KeyChanged,
    /// `subject` is the user.
    UserDeleted,
    /// `subject` is the user.
    Blocked,
    /// `subject` is the user.
    Unblocked,
}

impl EventKind {
    const ALL: [Self; 8] = [
        Self::DeletedForMe,
        Self::DeletedForAll,
        Self::Expired,
        Self::DeletedBefore,
        Self::KeyChanged,
        Self::UserDeleted,
        Self::Blocked,
        Self::Unblocked,
    ];

    /// Returns the number in the table. Released numbers never change.
    pub(in crate::storage) const fn stored(self) -> i16 {
        match self {
            Self::DeletedForMe => 1,
            Self::DeletedForAll => 2,
            Self::Expired => 3,
            Self::DeletedBefore => 4,
            Self::KeyChanged => 5,
            Self::UserDeleted => 6,
            Self::Blocked => 7,
            Self::Unblocked => 8,
        }
    }

    pub(in crate::storage) fn from_stored(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| i64::from(kind.stored()) == number)
    }
}

/// How a message came to be gone for both sides (`messages.gone_how`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) enum GoneHow {
    /// One side deleted it after the other.
    Apart,
    /// Its sender deleted it for everyone.
    ForEveryone,
    /// It has expired.
    Expired,
    /// It is older than the server's retention.
    Retention,
    /// An account was deleted, and its messages with it.
    Account,
}

impl Column for GoneHow {
    fn from_pool(row: &QueryResult, index: usize) -> Result<Self, StorageError> {
        Self::known(i16::from_pool(row, index)?)
    }

    fn from_stored(value: &Stored) -> Result<Self, StorageError> {
        Self::known(i16::from_stored(value)?)
    }

    fn from_json(value: serde_json::Value) -> Result<Self, StorageError> {
        Self::known(i16::from_json(value)?)
    }
}

impl GoneHow {
    const ALL: [Self; 5] = [Self::Apart, Self::ForEveryone, Self::Expired, Self::Retention, Self::Account];

    /// Returns the number in the table. Released numbers never change.
    pub(in crate::storage) const fn stored(self) -> i16 {
        match self {
            Self::Apart => 0,
            Self::ForEveryone => 1,
            Self::Expired => 2,
            Self::Retention => 3,
            Self::Account => 4,
        }
    }

    fn known(number: i16) -> Result<Self, StorageError> {
        let how = Self::ALL.into_iter().find(|how| how.stored() == number);
        how.ok_or(StorageError::Corrupt("how a message was lost"))
    }

    /// Returns whether the message is destroyed for both sides, so that clients can no longer refer to it.
    pub(in crate::storage) fn is_unknown_to_clients(self) -> bool {
        matches!(self, Self::Retention | Self::Account)
    }
}
