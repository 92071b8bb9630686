//! Devices that are to be woken: what they are owed, the requests that are made for them, and what came of these.
//!
//! Debts are written by the writer, with the messages. All else happens here, on a connection of its own, without ever
//! waiting for a row that another transaction has locked: so nothing here can be in a deadlock, and the writer waits
//! for one short statement at most.

pub(in crate::storage) mod columns;
pub(in crate::storage) mod leases;
pub(in crate::storage) mod notes;
pub(in crate::storage) mod statements;
pub(in crate::storage) mod status;
pub(in crate::storage) mod sweep;

use std::sync::atomic::Ordering;

use crate::storage::Storage;
use crate::storage::engine::per_engine::PerEngine;

pub use status::{Owing, PushTrace};

/// Leaves rows that another transaction has locked for the next time. SQLite has only one lock.
const SKIP_LOCKED: PerEngine<&str> = PerEngine { sqlite: "", postgres: "FOR UPDATE OF p SKIP LOCKED" };

impl Storage {
    /// Returns for how long a wake-up waits where the device may be connected to another server, in microseconds.
    pub(in crate::storage) fn push_grace_us(&self) -> i64 {
        if self.has_others.load(Ordering::Relaxed) { self.push_grace_us } else { 0 }
    }
}

#[cfg(test)]
mod tests;
