//! Support for tests and benchmarks.

#[cfg(feature = "testing")]
pub mod databases;
#[cfg(test)]
mod query_plans;
#[cfg(feature = "testing")]
pub(in crate::storage) mod seed;
