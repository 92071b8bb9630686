//! Waking devices.

mod providers;
