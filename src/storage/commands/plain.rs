//! What a plain batch stores, on PostgreSQL: new messages, and positions that receipts move, in [one statement](write).

mod arrays;
pub(super) mod write;

use std::sync::Arc;

use crate::domain::{Event, Urgency};
use crate::storage::commands::receipts::moves::Moves;

/// What a plain batch stores.
#[derive(Default)]
pub(super) struct Plain {
    messages: Vec<PlainMessage>,
    moves: Moves,
}

/// A message, and what is stored beside what its readers get.
struct PlainMessage {
    event: Arc<Event>,
    content_hash: Option<[u8; 32]>,
    urgency: Urgency,
}

impl Plain {
    /// Takes a message whose event was made of it.
    pub(super) fn add_message(&mut self, event: Arc<Event>, content_hash: Option<[u8; 32]>, urgency: Urgency) {
        self.messages.push(PlainMessage { event, content_hash, urgency });
    }

    /// Takes the positions that receipts move.
    pub(super) fn set_moves(&mut self, moves: Moves) {
        self.moves = moves;
    }
}
