//! Reading messages, conversations and events.

pub(in crate::storage) mod conversations;
pub(in crate::storage) mod history;
mod large_page;
mod message_quota;
mod partners;
mod recovery;
pub(in crate::storage) mod replay;
pub(in crate::storage) mod select;
