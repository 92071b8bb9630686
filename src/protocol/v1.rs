//! The `fluent.v1` dialect: objects with a `type`, replies that echo their request, events with their place in the
//! order. `docs/protocol.md` describes it for authors of clients.

mod client;
mod content;
mod fields;
mod reference;
mod send;
mod server;

pub use client::{CLIENT_FRAMES, Decoded, decode};
pub use reference::{Context, Reference};
pub use send::decode_send_body;
pub use server::*;

/// The name of this dialect in `Sec-WebSocket-Protocol`.
pub const SUBPROTOCOL: &str = "fluent.v1";

#[cfg(test)]
mod tests;
