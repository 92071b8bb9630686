//! What the store keeps and forgets: deleted, expired and ended things are gone from it.

mod bodies;
mod ended;
mod tombstones;
mod vanish;
mod wipe;
