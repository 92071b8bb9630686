//! Waking devices whose apps sleep.

mod double;
mod killed;
mod liveness;
mod nodes;
mod outage;
mod providers;
mod registration;
mod trace;
mod waking;
mod whole_way;
