//! Tests of the test support itself.

mod database_link;
mod nats;
mod skips;
mod throw_away;
