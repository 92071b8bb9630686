//! The numbers of messages: a message's id is the number under which its event was stored. Only the store knows; for
//! all others an id and a place in the order are two things.

use crate::domain::{MessageId, Seq};

/// Returns the place of the event of a message.
pub(in crate::storage) fn seq_of(id: MessageId) -> Seq {
    Seq(id.0)
}

/// Returns the id that a message has whose event is at this place.
pub(in crate::storage) fn id_at(seq: Seq) -> MessageId {
    MessageId(seq.0)
}
