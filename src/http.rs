//! HTTP: the accept loop, the interfaces for clients and for operators, and what both are made of.

mod accept;
mod admin;
mod app;
mod body;
mod client_address;
mod codes;
mod compress;
mod connection;
mod door;
mod error;
mod etag;
mod extract;
mod health;
mod host;
mod layers;
mod local;
mod operator_access;
mod operators;
mod pages;
mod places;
mod proxy_header;
mod public;
mod refusals;
mod request_id;
mod respond;
mod route;
mod router;
mod shares;
mod tls;
mod unread;
mod web;
mod words;

pub use accept::Listener;
#[cfg(feature = "testing")]
pub use admin::operator_routes;
pub use app::{App, PageLink};
pub use codes::Codes;
pub use door::MAX_REFUSALS;
pub use local::{LocalAnswer, LocalClient, serve_pipe};
#[cfg(unix)]
pub use local::{LocalSocket, LocalSocketFile};
pub use places::Places;
#[cfg(feature = "testing")]
pub use public::openapi_document;
pub use tls::{Tls, TlsError};
pub use web::{StandaloneClient, WebClient, WebFile, WebFiles};
