//! How a database is reached: connections, transactions, statements. Nothing above needs to know which of the two it
//! is.

pub(in crate::storage) mod begin;
pub(in crate::storage) mod bulk;
pub(in crate::storage) mod connect;
pub(in crate::storage) mod erase;
pub(in crate::storage) mod error;
pub(in crate::storage) mod fixed_joins;
pub(in crate::storage) mod json_rows;
pub(in crate::storage) mod page;
pub(in crate::storage) mod per_engine;
pub(in crate::storage) mod postgres;
pub(in crate::storage) mod purpose;
pub(in crate::storage) mod row;
pub(in crate::storage) mod sqlite;
pub(in crate::storage) mod tx;
pub(in crate::storage) mod write_health;
