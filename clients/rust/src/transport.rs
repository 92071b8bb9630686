//! Sockets over tokio, and what the machine asks of a network.
//!
//! A [`Socket`] speaks over any stream; a [`Connector`] makes streams to a server, with TLS by rustls when its address
//! begins with `https://`. A [`Link`] performs the actions of a [`Client`](crate::Client) that concern the socket and
//! its timers, and returns what becomes of them as events.

mod error;
mod link;
mod server;
mod socket;
mod stream;

pub use error::{Closed, OpenError};
pub use link::Link;
pub use server::{InvalidServer, Server};
pub use socket::{Opening, Socket};
pub use stream::{Connector, Stream};
