//! The frame that a command came with, and the answer to it.

use super::credit::Credit;
use crate::domain::{Answer, SocketId, UserId};
use crate::protocol::v1::Context;

/// The frame of a socket that a command came with.
#[derive(Debug)]
pub(in crate::actors) struct Origin {
    pub(in crate::actors) user: UserId,
    pub(in crate::actors) socket: SocketId,
    /// Counts the socket's commands.
    pub(in crate::actors) ordinal: u64,
    /// What the answer repeats.
    pub(in crate::actors) context: Context,
    /// Given back when the answer is written.
    pub(in crate::actors) credit: Credit,
}

/// An answer on its way to a socket.
#[derive(Debug)]
pub(in crate::actors) struct Reply {
    pub(in crate::actors) origin: Origin,
    pub(in crate::actors) answer: Answer,
}
