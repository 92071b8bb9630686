//! The HTTP service: accept loop, routing, and the endpoints for clients and operators.

mod accept;
mod app;
mod body;
mod client_address;
mod compress;
mod connection;
mod door;
mod error;
mod extract;
mod host;
mod layers;
mod openapi;
mod operators;
mod places;
mod respond;
mod router;
mod routes;
mod shares;
mod unread;

pub use accept::Listener;
pub use app::App;
pub use body::StrangersBytes;
pub use client_address::ClientAddresses;
pub use door::MAX_REFUSALS;
pub use openapi::document as openapi_document;
pub use places::Places;
pub use routes::{admin_routes, public_routes};
pub use shares::Shares;
