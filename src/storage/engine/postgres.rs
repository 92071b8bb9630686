//! What only PostgreSQL needs.

pub(in crate::storage) mod batches;
pub(in crate::storage) mod connect;
pub(in crate::storage) mod servers;
