//! Fluent: the backend of an end-to-end-encrypted messenger, built on actors.
//!
//! # The way of a message
//! ```text
//! sender's phone
//!   │ frame
//! socket::pump          one task per socket: reads by credit, writes, pings
//!   │
//! actors::session       one a connected user, holding that user's sockets
//!   │
//! actors::persistence   stores all waiting commands in one transaction: id, time stamp, row
//!   │ committed, in order
//! actors::registry      who is connected here; supervises the sessions
//!   │
//! actors::session       of the sender and of the receiver → their sockets → phones
//! ```
//! Nothing is shown before it is committed, and the sender's copy takes the same way as the receiver's.
//! `docs/architecture.md` explains this way, what happens when a part fails, and the terms used.
//!
//! # Layout
//! Each module may use the modules listed before it, and no other:
//! - [`mod@domain`] — plain data: ids, accounts, messages
//! - [`mod@protocol`] — frames and their codecs, no I/O
//! - [`mod@clock`] — time and random tokens
//! - `key_file` — files with keys
//! - [`mod@config`] — settings
//! - [`mod@telemetry`] — logs and metrics
//! - [`mod@push`] — the services that wake devices, the only place that knows reqwest
//! - [`mod@limits`] — how often something may be done
//! - [`mod@media`] — the bytes of files on the disk
//! - [`mod@storage`] — the database, the only place that knows SeaORM
//! - [`mod@auth`] — registration, login, tokens
//! - [`mod@actors`] — root, registry, session, persistence and their kin, the only place that knows ractor
//! - [`mod@service`] — the use cases of requests, whoever makes them
//! - [`mod@socket`] — handshake and pump
//! - [`mod@http`] — the REST endpoints and their listener
//! - [`mod@server`] — wires everything together, starts and stops it
//! - `testing` (feature `testing`) — the server in process, and clients for it
//!
//! # Example
//! ```
//! use fluent_backend::{Config, Server};
//!
//! # tokio_test(async {
//! let dir = tempfile::tempdir()?;
//! let mut config = Config::defaults()?;
//! config.server.data_dir = dir.path().to_owned();
//! config.server.listen = "127.0.0.1:0".parse()?;
//! config.admin.listen = "127.0.0.1:0".parse()?;
//! let server = Server::start(config).await?;
//! println!("listening on {}", server.addr());
//! server.drain().await?;
//! # Ok(()) });
//! # fn tokio_test(f: impl Future<Output = Result<(), Box<dyn std::error::Error>>>) {
//! #     tokio::runtime::Runtime::new().unwrap().block_on(f).unwrap();
//! # }
//! ```

pub mod actors;
pub mod auth;
pub mod clock;
pub mod config;
pub mod domain;
pub mod http;
mod key_file;
pub mod limits;
pub mod media;
pub mod protocol;
pub mod push;
pub mod server;
pub mod service;
pub mod socket;
pub mod storage;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod version;

pub use config::Config;
pub use server::{InheritedListeners, Server, ServerError, ServerWatch};
