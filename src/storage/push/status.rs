//! What is told of devices, and of the requests for them: to their users, and to operators.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::domain::{DeviceId, MessageId, PushAttempt, PushOutcome, PushProvider, Seq, TargetState, Timestamp, UserId};
use crate::storage::engine::row::{Columns as _, Row, columns};
use crate::storage::engine::tx::Tx as _;
use crate::storage::push::columns::{CORRUPT, OutboxColumns};
use crate::storage::schema::numbers::seq_of;
use crate::storage::{Storage, StorageError};

pub(in crate::storage) static TARGETS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM push_targets WHERE user_id = $1 ORDER BY created_at, device_id LIMIT 100",
        OutboxColumns::select()
    )
});

columns! {
    struct AttemptColumns {
        device: String = "device_id",
        at: Timestamp = "at",
        from: Seq = "from_seq",
        to: Seq = "to_seq",
        provider: i16 = "provider",
        outcome: i16 = "outcome",
        status: Option<i32> = "status",
        reason: Option<String> = "reason",
        provider_id: Option<String> = "provider_id",
        took_ms: i32 = "took_ms",
    }
}

impl AttemptColumns {
    fn attempt(self) -> Result<PushAttempt, StorageError> {
        Ok(PushAttempt {
            device: DeviceId::parse(&self.device).ok_or(CORRUPT)?,
            at: self.at,
            from: self.from,
            to: self.to,
            provider: PushProvider::from_stored(self.provider).ok_or(CORRUPT)?,
            outcome: PushOutcome::from_stored(self.outcome).ok_or(CORRUPT)?,
            status: self.status.and_then(|status| u16::try_from(status).ok()),
            reason: self.reason,
            provider_id: self.provider_id,
            took_ms: self.took_ms.into(),
        })
    }
}

pub(in crate::storage) static ATTEMPTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM push_attempts WHERE user_id = $1 AND to_seq >= $2 AND from_seq < $2 OR user_id = $1 AND $2 = 0 \
         ORDER BY id LIMIT 5000",
        AttemptColumns::select()
    )
});
/// The last request of each device of a user.
pub(in crate::storage) const LAST: &str = "SELECT device_id, at, outcome FROM push_attempts WHERE id IN \
     (SELECT MAX(id) FROM push_attempts WHERE user_id = $1 GROUP BY device_id)";
const MESSAGE: &str = "SELECT sender_id, receiver_id, timestamp FROM messages WHERE id = $1";
const COUNTS: &str = "SELECT provider, CASE WHEN suspended THEN 1 ELSE 0 END, COUNT(*), COUNT(owed_seq), \
     COALESCE(MIN(owed_since), 0) FROM push_targets GROUP BY provider, suspended ORDER BY provider, suspended";
/// What is known of why the devices of a receiver were woken for a message, or were not.
#[derive(Clone, Debug)]
pub struct PushTrace {
    /// The sender.
    pub sender: UserId,
    /// The receiver.
    pub receiver: UserId,
    /// When it was stored.
    pub stored_at: Timestamp,
    /// The place of its event.
    pub seq: Seq,
    /// The receiver's devices.
    pub targets: Vec<TargetState>,
    /// The requests that were made for it, oldest first.
    pub attempts: Vec<PushAttempt>,
}

/// Devices of one provider, in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owing {
    /// The provider.
    pub provider: PushProvider,
    /// Whether they are suspended.
    pub is_suspended: bool,
    /// How many there are.
    pub targets: i64,
    /// How many are owed a wake-up.
    pub owed: i64,
    /// Since when the longest.
    pub oldest: Option<Timestamp>,
}

impl Storage {
    /// Returns the devices of a user, those that were registered first before the others.
    pub async fn push_targets(&self, user: UserId) -> Result<Vec<TargetState>, StorageError> {
        let mut last: BTreeMap<String, (Timestamp, PushOutcome)> = BTreeMap::new();
        for row in self.reads.query(self.statement(LAST, [user.0.into()])).await? {
            let (device, at, outcome): (String, Timestamp, i16) = row.read()?;
            last.insert(device, (at, PushOutcome::from_stored(outcome).ok_or(CORRUPT)?));
        }
        let rows = self.reads.query(self.statement(TARGETS.as_str(), [user.0.into()])).await?;
        let target = |row: Row| {
            let columns: OutboxColumns = row.read()?;
            let last = last.get(&columns.device).copied();
            columns.state(last)
        };
        rows.into_iter().map(target).collect()
    }

    /// Returns what is known of the wake-ups for a message; `None` when there is no such message.
    pub async fn push_trace(&self, id: MessageId) -> Result<Option<PushTrace>, StorageError> {
        let seq = seq_of(id);
        let Some(row) = self.reads.query_one(self.statement(MESSAGE, [id.0.into()])).await? else { return Ok(None) };
        let (sender, receiver, stored_at): (UserId, UserId, Timestamp) = row.read()?;
        let attempts = self.reads.query(self.statement(ATTEMPTS.as_str(), [receiver.0.into(), seq.0.into()])).await?;
        let attempts = attempts.into_iter().map(|row| row.read::<AttemptColumns>()?.attempt());
        Ok(Some(PushTrace {
            sender,
            receiver,
            stored_at,
            seq,
            targets: self.push_targets(receiver).await?,
            attempts: attempts.collect::<Result<_, _>>()?,
        }))
    }

    /// Returns how many devices there are, and how many are owed a wake-up.
    pub async fn push_counts(&self) -> Result<Vec<Owing>, StorageError> {
        let rows = self.reads.query(self.statement(COUNTS, [])).await?;
        let counted = |row: Row| {
            let suspended: i32 = row.get(1)?;
            let oldest: i64 = row.get(4)?;
            Ok(Owing {
                provider: PushProvider::from_stored(row.get(0)?).ok_or(CORRUPT)?,
                is_suspended: suspended != 0,
                targets: row.get(2)?,
                owed: row.get(3)?,
                oldest: (oldest > 0).then(|| Timestamp::from_micros(oldest)),
            })
        };
        rows.into_iter().map(counted).collect()
    }
}
