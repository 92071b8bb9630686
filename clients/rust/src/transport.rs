//! Sockets over tokio, and the actions of the machine that need a network.
//!
//! A [`Socket`] speaks over any stream; a [`Connector`] makes streams to a server, with TLS by rustls when its address
//! begins with `https://`. A [`Link`] performs the actions of a [`Client`](crate::Client) that concern the socket and
//! its timers, and returns their outcomes as events.

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
