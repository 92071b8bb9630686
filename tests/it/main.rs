//! All integration tests, in one binary: linking is the slow part.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed expectation fails the test")]

mod architecture;
mod drills;
mod engines;
mod faults;
mod harness;
mod legacy;
mod model;
mod network;
mod printed;
mod process;
mod push;
mod rest;
mod store;
mod support;
mod v1;
mod wire;
