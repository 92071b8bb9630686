//! Tests of the test support itself.

mod skips;
mod throw_away;
