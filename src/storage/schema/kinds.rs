//! The table of events that are neither messages nor receipts: one row for each user who must learn of one.

/// What `events.kind` means, and with it `subject` and `detail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) enum EventKind {
    /// `subject` is the message.
    DeletedForMe,
    /// `subject` is the message.
    DeletedForAll,
    /// `subject` is the message.
    Expired,
    /// Of user 0, which is everybody. `subject` is the time in microseconds.
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

    /// The number in the table: released numbers never change.
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

/// What `messages.gone_how` means.
pub(in crate::storage) mod gone {
    /// One side after the other.
    pub(in crate::storage) const APART: i16 = 0;
    pub(in crate::storage) const EVERYONE: i16 = 1;
    pub(in crate::storage) const EXPIRED: i16 = 2;
    pub(in crate::storage) const RETENTION: i16 = 3;
    pub(in crate::storage) const ACCOUNT: i16 = 4;
}
