//! Client ids that senders have used: by each, at most one message.

use std::collections::HashMap;

use crate::domain::{ClientId, MessageId, Once, Stored, Timestamp, UserId};
use crate::storage::StorageError;
use crate::storage::commands::batch::Place;
use crate::storage::commands::lookup::questions::FoundColumns;
use crate::storage::schema::numbers::seq_of;

/// The message that a sender first stored under a client id.
pub(super) enum First {
    /// It was stored by an earlier batch.
    Stored { stored: Stored, content_hash: Vec<u8> },
    /// It is in this batch.
    InBatch { place: Place, content_hash: [u8; 32] },
}

/// Client ids that were looked up, and the messages stored under them.
#[derive(Default)]
pub(super) struct Known(HashMap<(UserId, ClientId), Option<First>>);

impl Known {
    /// Returns client ids under which nothing was found yet.
    pub(super) fn of(names: Vec<(UserId, ClientId)>) -> Self {
        Self(names.into_iter().map(|name| (name, None)).collect())
    }

    /// Adds a message that was found.
    pub(super) fn add(&mut self, row: FoundColumns) -> Result<(), StorageError> {
        let client_id = ClientId::parse(&row.text).ok_or(StorageError::Corrupt("a client id"))?;
        let id = MessageId(row.id);
        let stored = Stored {
            client_id: Some(client_id.clone()),
            conversation_id: row.conversation_id,
            id,
            seq: seq_of(id),
            timestamp: Timestamp::from_micros(row.number),
            duplicate: true,
        };
        let first = First::Stored { stored, content_hash: row.content_hash.unwrap_or_default() };
        self.0.insert((row.user, client_id), Some(first));
        Ok(())
    }

    /// Returns the message that the draft is a retry of; `None` when it is none.
    pub(super) fn first_of(&self, sender: UserId, once: &Once) -> Option<&First> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(sender, once.client_id.clone()))?.as_ref()
    }

    /// Records that a client id that was looked up is in use now.
    pub(super) fn admit(&mut self, place: Place, sender: UserId, once: &Once) {
        if self.0.is_empty() {
            return;
        }
        if let Some(slot) = self.0.get_mut(&(sender, once.client_id.clone())) {
            *slot = Some(First::InBatch { place, content_hash: once.content_hash });
        }
    }
}
