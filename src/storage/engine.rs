//! The database engines: connections, transactions, statements. Other modules of the store need not know which of the
//! two engines is in use.

pub(in crate::storage) mod begin;
pub(in crate::storage) mod bulk;
pub(in crate::storage) mod connect;
pub(in crate::storage) mod erase;
pub(in crate::storage) mod error;
pub(in crate::storage) mod figures;
pub(in crate::storage) mod fixed_joins;
pub(in crate::storage) mod joint_changes;
pub(in crate::storage) mod json_rows;
pub(in crate::storage) mod page;
pub(in crate::storage) mod per_engine;
pub(in crate::storage) mod postgres;
pub(in crate::storage) mod purpose;
pub(in crate::storage) mod row;
pub(in crate::storage) mod slow;
pub(in crate::storage) mod sqlite;
pub(in crate::storage) mod tx;
pub(in crate::storage) mod watched;
pub(in crate::storage) mod write_health;
