//! Retention: destroys and drops what has expired or was deleted.

mod audit;
mod clock;
mod invites;
pub(in crate::storage) mod logins;
pub(in crate::storage) mod messages;
mod reports;
