//! Rows of `push_targets`, as they are read and written.

use secrecy::SecretString;

use crate::domain::{
    ApnsEnvironment, ApnsStyle, Debt, DeviceId, Outbox, PushAddress, PushOutcome, PushProvider, Seq, TargetState,
    Timestamp, UserId,
};
use crate::storage::StorageError;
use crate::storage::engine::row::columns;

pub(in crate::storage) const CORRUPT: StorageError = StorageError::Corrupt("a device to be woken");

columns! {
    /// The part of a row that moves, and what names it.
    pub(in crate::storage) struct OutboxColumns {
        user: UserId = "user_id",
        device: String = "device_id",
        provider: i16 = "provider",
        created_at: Timestamp = "created_at",
        suspended: bool = "suspended",
        reason: Option<String> = "reason",
        acked: Seq = "acked_seq",
        seen_at: Option<Timestamp> = "seen_at",
        owed: Option<Seq> = "owed_seq",
        owed_urgent: bool = "owed_urgent",
        owed_since: Option<Timestamp> = "owed_since",
        due_at: Option<Timestamp> = "due_at",
        attempts: i32 = "attempts",
        woken: Seq = "woken_seq",
        woken_at: Option<Timestamp> = "woken_at",
        unanswered: i32 = "unanswered",
        lease_until: Option<Timestamp> = "lease_until",
    }
}

impl OutboxColumns {
    /// Returns the outbox.
    pub(in crate::storage) fn outbox(&self) -> Outbox {
        let debt = self.owed.map(|seq| Debt {
            seq,
            is_urgent: self.owed_urgent,
            since: self.owed_since.unwrap_or(self.created_at),
        });
        Outbox {
            is_suspended: self.suspended,
            acked: self.acked,
            debt,
            due_at: self.due_at,
            is_leased: self.lease_until.is_some(),
            attempts: self.attempts.unsigned_abs(),
            woken: self.woken,
            woken_at: self.woken_at,
            unanswered: self.unanswered.unsigned_abs(),
        }
    }

    /// Returns the device's name.
    pub(in crate::storage) fn device(&self) -> Result<DeviceId, StorageError> {
        DeviceId::parse(&self.device).ok_or(CORRUPT)
    }

    /// Returns what is told of the device, with the last request that was made for it.
    pub(in crate::storage) fn state(self, last: Option<(Timestamp, PushOutcome)>) -> Result<TargetState, StorageError> {
        let outbox = self.outbox();
        Ok(TargetState {
            device: self.device()?,
            provider: PushProvider::from_stored(self.provider).ok_or(CORRUPT)?,
            reason: self.reason,
            created_at: self.created_at,
            seen_at: self.seen_at,
            outbox,
            last,
        })
    }
}

columns! {
    /// The address in a row.
    pub(in crate::storage) struct AddressColumns {
        token: String = "token",
        p256dh: Option<Vec<u8>> = "p256dh",
        auth: Option<Vec<u8>> = "auth",
        topic: Option<String> = "topic",
        environment: i32 = "environment",
        style: i32 = "style",
    }
}

impl AddressColumns {
    /// Returns the address.
    pub(in crate::storage) fn address(self, provider: i16) -> Result<PushAddress, StorageError> {
        let small = |number: i32| i16::try_from(number).map_err(|_| CORRUPT);
        let token = SecretString::from(self.token);
        Ok(match PushProvider::from_stored(provider).ok_or(CORRUPT)? {
            PushProvider::Fcm => PushAddress::Fcm { token },
            PushProvider::Apns => PushAddress::Apns {
                token,
                topic: self.topic.unwrap_or_default(),
                environment: ApnsEnvironment::from_stored(small(self.environment)?).ok_or(CORRUPT)?,
                style: ApnsStyle::from_stored(small(self.style)?).ok_or(CORRUPT)?,
            },
            PushProvider::WebPush => PushAddress::WebPush {
                endpoint: token,
                p256dh: self.p256dh.unwrap_or_default(),
                auth: self.auth.unwrap_or_default(),
            },
        })
    }
}

/// Writes the part of a row that moves, and ends its lease.
pub(in crate::storage) const WRITE_OUTBOX: &str = "UPDATE push_targets SET suspended = $3, owed_seq = $4, \
     owed_urgent = $5, owed_since = $6, due_at = $7, attempts = $8, woken_seq = $9, woken_at = $10, unanswered = $11, \
     reason = $12, wake_id = COALESCE($13, wake_id), lease_node = NULL, lease_until = NULL \
     WHERE user_id = $1 AND device_id = $2";
