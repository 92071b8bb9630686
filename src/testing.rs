//! The whole server in process, and clients for it, for integration tests.
//!
//! ```
//! use fluent_backend::testing::TestServer;
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let server = TestServer::start().await;
//! let alice = server.sign_up("alice@example.org").await;
//! let bob = server.sign_up("bob@example.org").await;
//! let (mut a, mut b) = (alice.connect().await, bob.connect().await);
//!
//! a.send_message(bob.id, "for bob", "for alice").await;
//! assert_eq!(b.next_message().await.content, "for bob");
//! assert_eq!(a.next_message().await.content, "for alice");
//! server.stop().await;
//! # });
//! ```
//! Every wait has a deadline and panics with a reason when it passes: this is for tests only.

#![expect(
    clippy::missing_panics_doc,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed expectation fails the test"
)]

mod client;
mod data;
mod database;
mod device;
mod direction;
mod keeper;
mod link;
mod nats;
mod postgres;
pub mod seed;
mod server;
mod socket;

pub use client::{Answer, Http, TestClient, TokenPair};
pub use data::{TestData, share_instance_key};
pub use database::TestDatabase;
pub use device::{TestDevice, send_frame};
pub use direction::Direction;
pub use link::{CommitCut, DatabaseLink, HeldBatch, HeldTransaction};
pub use nats::{Fate, LaneCounts, Nats, NatsError, NatsLink, NatsMessage};
pub use postgres::{Postgres, PostgresError, PostgresSettings};
pub use server::TestServer;
pub use socket::{MessageFrame, TestSocket};

use std::time::Duration;

/// Longest wait for anything before a test fails: long, since test machines are slow and busy.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for `future`; fails the test with `what` when it takes too long.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(value) = tokio::time::timeout(DEADLINE, future).await else { panic!("timed out: {what}") };
    value
}

/// Asks `probe` again and again until it returns a value; fails the test with `what` when that takes too long.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut probe: impl FnMut() -> F) -> T {
    let probing = async {
        loop {
            if let Some(value) = Box::pin(probe()).await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(what, probing).await
}
