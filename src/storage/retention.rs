//! Retention: destroys and drops what has expired or was deleted.

mod address_rules;
mod audit;
mod clock;
pub(in crate::storage) mod in_words;
mod invites;
pub(in crate::storage) mod logins;
mod media;
pub(in crate::storage) mod messages;
pub(in crate::storage) mod push;
mod reports;
pub(in crate::storage) mod zeros;
