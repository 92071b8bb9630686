//! The HTTP service: accept loop, routing, and the endpoints for clients and operators.

mod accept;
mod app;
mod commands;
mod connection;
mod door;
mod error;
mod extract;
mod layers;
mod openapi;
mod operators;
mod places;
mod respond;
mod router;
mod routes;
mod shares;

pub use accept::Listener;
pub use app::App;
pub use door::MAX_REFUSALS;
pub use openapi::document as openapi_document;
pub use places::Places;
pub use routes::{admin_routes, public_routes};
pub use shares::Shares;
