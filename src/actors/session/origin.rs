//! The frame that a command came with, and the reply to it.

use super::credit::Credit;
use crate::domain::{Answer, SocketId, UserId};
use crate::protocol::v1::Context;

/// The frame of a socket that a command came with.
#[derive(Debug)]
pub(in crate::actors) struct Origin {
    pub(in crate::actors) user: UserId,
    pub(in crate::actors) socket: SocketId,
    /// The number of the command on its socket.
    pub(in crate::actors) ordinal: u64,
    /// The fields that the reply repeats.
    pub(in crate::actors) context: Context,
    /// The credit, given back when the reply is written.
    pub(in crate::actors) credit: Credit,
}

/// The reply to a command, on its way to a socket.
#[derive(Debug)]
pub(in crate::actors) struct Reply {
    pub(in crate::actors) origin: Origin,
    pub(in crate::actors) answer: Answer,
}
