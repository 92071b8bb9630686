//! What servers on one PostgreSQL must agree on, and how each notices that the database has become another one.

pub(in crate::storage) mod history;
pub(in crate::storage) mod hold_times;
mod joining;
mod nodes;
mod timeline;

use tokio::sync::Mutex;

pub use history::KnownHistory;
pub use joining::Joining;
pub use nodes::{Beat, Node, Pulse};

/// The time of the database in microseconds.
macro_rules! now {
    () => {
        "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint"
    };
}
pub(in crate::storage) use now;

/// Microseconds for which a server counts as live after it was seen: long enough for one that is frozen for a moment.
pub(in crate::storage) const LIVE_US: i64 = 15_000_000;

/// This server's place among the others, while it has one.
#[derive(Default)]
pub(in crate::storage) struct Membership(Mutex<Option<Member>>);

struct Member {
    label: String,
    /// The time of joining, by the database's clock.
    joined_at: i64,
    /// The timeline of PostgreSQL on which this server knows the history; `None` where it cannot be read.
    timeline: Option<i64>,
    /// Whether a commit outlives every failover, as the operator says.
    is_lossless: bool,
    /// Whether another server with the same label was seen.
    has_namesake: bool,
}
