//! The tables and the meaning of their columns. The migrations themselves are in the `migration` crate.

pub(in crate::storage) mod entity;
pub(in crate::storage) mod foreign;
pub(in crate::storage) mod instance_check;
pub(in crate::storage) mod kinds;
pub(in crate::storage) mod migrate;
pub(in crate::storage) mod numbers;
pub(in crate::storage) mod store_row;
pub(in crate::storage) mod table_figures;
pub(in crate::storage) mod versions;
