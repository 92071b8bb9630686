//! Waking devices whose apps sleep.

mod double;
mod liveness;
mod outage;
mod providers;
mod registration;
mod trace;
mod waking;
