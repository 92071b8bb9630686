//! Connections, batches, checkpoints, locks and checks of SQLite.

pub(in crate::storage) mod batches;
pub(in crate::storage) mod checkpoints;
pub(in crate::storage) mod connect;
pub(in crate::storage) mod header;
pub(in crate::storage) mod lock;
pub(in crate::storage) mod open_files;
