//! Retention: destroys and drops what has expired or was deleted.

mod clock;
pub(in crate::storage) mod logins;
pub(in crate::storage) mod messages;
