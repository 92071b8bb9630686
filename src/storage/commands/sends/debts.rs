//! Wake-ups that are owed for the messages of a batch, written with them. The devices that are connected to this server
//! are left out: their sessions see to it that they acknowledge.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sea_orm::DatabaseBackend;

use crate::domain::{Message, Urgency, UserId};
use crate::push::LiveList;
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Targets};
use crate::storage::commands::sends::Accepted;
use crate::storage::engine::bulk::Cell;
use crate::storage::engine::sqlite::batches::SqliteTransaction;
use crate::storage::push::statements::{OweBy, owe};

use Cell::{BigInt, Int, Text};

/// Owes a wake-up to the devices of one user that are not connected.
pub(in crate::storage) static OWE_ONE: LazyLock<String> = LazyLock::new(|| {
    let by = OweBy { seq: "?2", is_urgent: "(?3 > 1)", now: "?6", not_before: "?7" };
    format!(
        "UPDATE push_targets AS t SET {} WHERE t.user_id = ?1 AND t.acked_seq < ?2 \
         AND instr(?4, ',' || t.device_id || ',') = 0 AND instr(?5, ',' || t.login_id || ',') = 0",
        owe(DatabaseBackend::Sqlite, by)
    )
});

/// What a message owes to the devices of its receiver.
pub(in crate::storage::commands) struct Owing {
    /// 0: nothing; 1: a wake-up that may wait; 2: one at once.
    pub(in crate::storage::commands) urgency: i32,
    pub(in crate::storage::commands) live: LiveList,
    pub(in crate::storage::commands) now: i64,
    pub(in crate::storage::commands) not_before: i64,
}

impl Batch<'_> {
    /// Returns what each message owes.
    pub(super) fn owing(&self, messages: &[(&Message, Urgency)]) -> Vec<Owing> {
        let receivers: Vec<UserId> = messages.iter().map(|(message, _)| message.receiver).collect();
        let (now, not_before) = (self.now.as_micros(), self.now.as_micros() + self.storage.push_grace_us());
        let live = self.storage.devices().live_lists(&receivers);
        let owing = messages.iter().zip(live).map(|((message, urgency), live)| {
            let urgency = match urgency {
                _ if message.sender == message.receiver => 0,
                Urgency::None => 0,
                Urgency::Normal => 1,
                Urgency::High => 2,
            };
            Owing { urgency, live, now, not_before }
        });
        owing.collect()
    }

    /// Returns what messages owe to each of their receivers, with the newest one that owes something.
    pub(in crate::storage::commands) fn owing_by_user(
        &self,
        messages: &[(&Message, Urgency)],
    ) -> BTreeMap<UserId, (i64, Owing)> {
        let mut by_user: BTreeMap<UserId, (i64, Owing)> = BTreeMap::new();
        for ((message, _), owing) in messages.iter().zip(self.owing(messages)).filter(|(_, owing)| owing.urgency > 0) {
            match by_user.get_mut(&message.receiver) {
                Some((newest, all)) => (*newest, all.urgency) = (message.seq.0, all.urgency.max(owing.urgency)),
                None => drop(by_user.insert(message.receiver, (message.seq.0, owing))),
            }
        }
        by_user
    }

    /// Owes wake-ups for messages that are stored, on SQLite.
    pub(super) fn owe(&self, tx: &SqliteTransaction, accepted: &[Accepted]) -> Result<(), StorageError> {
        if self.targets != Targets::Woken {
            return Ok(());
        }
        let by_user = self.owing_by_user(&Accepted::messages(accepted));
        let rows = by_user.iter().map(|(user, (seq, owing))| {
            let Owing { urgency, live, now, not_before } = owing;
            let (devices, logins) = (Text(&live.devices), Text(&live.logins));
            [Int(user.0), BigInt(*seq), Int(*urgency), devices, logins, BigInt(*now), BigInt(*not_before)]
        });
        tx.execute_each(&OWE_ONE, rows)?;
        Ok(())
    }
}
