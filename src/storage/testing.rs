//! Support for tests and benchmarks.

#[cfg(test)]
pub(crate) mod accounts;
#[cfg(feature = "testing")]
pub mod databases;
#[cfg(test)]
mod query_plans;
#[cfg(feature = "testing")]
pub(in crate::storage) mod seed;
