//! The quota of messages that a user has in the store.
//!
//! A message that is stored already is never refused for it. So the numbers are read before anything is looked up, and
//! drafts whose sender may have too little room for all of them are looked up. Other servers may store messages between
//! that and the numbers of the batch: each may exceed the quota by what one batch holds.

use std::collections::HashMap;

use crate::domain::{Command, UserId};
use crate::storage::StorageError;
use crate::storage::commands::batch::Batch;
use crate::storage::commands::room::{Left, Room};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::fixed_joins::join;
use crate::storage::engine::row::Row;

impl Batch<'_> {
    /// Reads how much room the senders of these messages have.
    pub(in crate::storage::commands) async fn find_room(&mut self, commands: &[Command]) -> Result<(), StorageError> {
        let Some(most) = self.storage.most_messages() else { return Ok(()) };
        let mut senders: HashMap<UserId, Left> = HashMap::new();
        for command in commands {
            if let Command::Send(draft) = command {
                senders.entry(draft.sender).or_insert(Left { drafts: 0, left: most }).drafts += 1;
            }
        }
        if senders.is_empty() {
            return Ok(());
        }
        let stored = join(self.storage.backend(), "stored_messages", "s", "s.user_id = v.column1");
        let list = Bulk::new(senders.keys().map(|sender| [Cell::Int(sender.0)]));
        let sql = format!("WITH {{rows}} SELECT s.user_id, s.count FROM v {stored}");
        for row in self.tx.query_each(&sql, &list).await? {
            let (sender, count): (UserId, i64) = Row::read(row)?;
            if let Some(room) = senders.get_mut(&sender) {
                room.left = most.saturating_sub(u64::try_from(count).unwrap_or_default());
            }
        }
        self.room = Room::of(senders);
        Ok(())
    }
}
