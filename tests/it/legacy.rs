//! The dialect of the Android app of 2023: its whole flow, its history, its socket.

mod flow;
mod history;
mod socket;
