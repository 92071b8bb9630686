//! The means of the tests themselves.

mod skips;
mod throw_away;
