//! Users say where their devices are woken: this keeps the server from being led into its own network.
//!
//! The URL is checked when it is registered and before each request. A name is checked when it is looked up for a
//! connection, which then uses the addresses that were checked: between a check at registration and a later look-up the
//! name could be led elsewhere. Addresses in URLs never reach the resolver, so the check of the URL must judge them.

mod address;
mod endpoint;
mod resolver;

pub(super) use endpoint::{Guard, Way};
pub use resolver::LookUp;
pub(super) use resolver::{GuardedResolver, NotGlobal, SystemLookUp};
