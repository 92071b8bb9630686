//! The sections of `config/default.toml`, which explains each key: a file and a struct each.

mod admin;
mod audit;
mod auth;
mod bans;
mod cluster;
mod database;
mod http;
mod limits;
mod lists;
mod log;
mod media;
mod messages;
mod quota;
mod registration;
mod reports;
mod server;
mod socket;
mod tls;

pub use admin::Admin;
pub use audit::Audit;
pub use auth::{Auth, MAX_ARGON2_MEMORY_KIB, MAX_ARGON2_PASSES, TokenAlgorithm};
pub use bans::Bans;
pub use cluster::Cluster;
pub use database::{Database, Failover, Synchronous};
pub use http::Http;
pub use limits::{Bytes, Limits, Rate};
pub use log::{Log, LogFormat};
pub use media::{MAX_LINK_S, Media};
pub use messages::Messages;
pub use quota::Quota;
pub use registration::Registration;
pub use reports::Reports;
pub use server::{ClientAddressSource, Server};
pub use socket::Socket;
pub use tls::{Tls, TlsVersion};
