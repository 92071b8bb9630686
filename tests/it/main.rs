//! All integration tests, in one binary: linking is the slow part.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed expectation fails the test")]

mod accounts;
mod architecture;
mod backup;
mod behind;
mod copy_db;
mod cut;
mod flow;
mod flow_control;
mod history;
mod hostile;
mod http;
mod model;
mod postgres;
mod process;
mod refresh;
mod seam;
mod search;
mod secrets;
mod seed;
mod sessions;
mod socket;
mod supervision;
mod support;
mod tokens;
mod two_processes;
mod v1_account;
mod v1_block;
mod v1_delete;
mod v1_drain;
mod v1_frames;
mod v1_lists;
mod v1_once;
mod v1_opening;
mod v1_presence;
mod v1_receipts;
mod v1_recovery;
mod v1_replay;
mod v1_rest;
mod v1_send;
mod vanish;
