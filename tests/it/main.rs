//! All integration tests, in one binary: linking is the slow part.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed expectation fails the test")]

mod accounts;
mod architecture;
mod flow;
mod history;
mod hostile;
mod http;
mod postgres;
mod process;
mod refresh;
mod secrets;
mod sessions;
mod socket;
mod supervision;
mod support;
mod tokens;
