//! Connections, batches and checks of PostgreSQL.

pub(in crate::storage) mod batches;
pub(in crate::storage) mod connect;
pub(in crate::storage) mod servers;
