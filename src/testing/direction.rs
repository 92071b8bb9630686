//! The directions of a link.

/// A direction of a [`NatsLink`](super::NatsLink) or a [`DatabaseLink`](super::DatabaseLink).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// What the client asks and says.
    ToServer,
    /// What the server tells the client.
    ToClient,
}
