//! What a previous process may have left undone: it was about to owe wake-ups to devices that were connected to it.

use crate::domain::{DeviceId, Timestamp, UserId};
use crate::push::{Notes, Who};
use crate::storage::engine::tx::Tx as _;
use crate::storage::push::columns::CORRUPT;
use crate::storage::{Storage, StorageError};

/// Devices of one step.
const STEP: i64 = 500;
/// The devices after one, in their order.
pub(in crate::storage) const AFTER: &str = "SELECT user_id, device_id FROM push_targets \
     WHERE (user_id, device_id) > ($1, $2) ORDER BY user_id, device_id LIMIT $3 + 0";
const HAS_TARGETS: &str = "SELECT EXISTS (SELECT 1 FROM push_targets)";

impl Storage {
    /// Owes a wake-up to each device that has not acknowledged the newest message, was not woken for it, and is owed
    /// none for it; in steps, beginning after the device `after`. Returns where the next step begins, if there is more.
    pub async fn sweep_targets(
        &self,
        after: &(UserId, String),
        now: Timestamp,
        not_before: Timestamp,
    ) -> Result<Option<(UserId, String)>, StorageError> {
        let values = [after.0.0.into(), after.1.clone().into(), STEP.into()];
        let rows = self.wakes.query(self.statement(AFTER, values)).await?;
        let mut notes = Notes::default();
        let mut last = None;
        for row in rows {
            let (user, device): (UserId, String) = row.read()?;
            let name = DeviceId::parse(&device).ok_or(CORRUPT)?;
            notes.closed.insert((user, Who::Device(name)), now);
            last = Some((user, device));
        }
        // Where another transaction has a row, it is looked at once more later.
        let later = self.write_notes(notes, now, not_before).await?;
        self.devices.put_back(later);
        Ok(last)
    }

    /// Finds out whether a device is registered.
    pub async fn look_for_targets(&self) -> Result<(), StorageError> {
        let row = self.wakes.query_one(self.statement(HAS_TARGETS, [])).await?;
        let has_targets: bool = row.ok_or(StorageError::Corrupt("no answer"))?.get(0)?;
        self.devices.set_has_targets(has_targets);
        Ok(())
    }
}
