//! Tests of the test support itself.

mod database_link;
mod skips;
mod throw_away;
