//! What a client asks for with a frame, in whichever dialect it was written.

use crate::domain::{Command, DirectKey, UserId};

/// Bytes that a request without a message occupies while it waits.
const SMALL: usize = 256;

/// The request of a well-formed frame.
#[derive(Clone, Debug)]
pub enum Request {
    /// Carry out a command.
    Command(Command),
    /// Show the others in a conversation that this user is typing, or has stopped.
    Typing {
        /// The conversation, with user 0 when the number of the partner cannot be a user id.
        conversation: DirectKey,
        /// Whether typing has begun.
        active: bool,
    },
    /// Report to this socket when these users come and go.
    Watch {
        /// The users, in place of the former list: at most 256, each once, in the order given.
        users: Vec<UserId>,
    },
    /// A ping; the reply is a pong.
    Ping,
}

impl Request {
    /// Returns the bytes that a command occupies while it waits.
    #[must_use]
    pub fn bytes_of(command: &Command) -> usize {
        if let Command::Send(draft) = command { draft.bytes() } else { SMALL }
    }

    /// Returns the bytes that the request occupies while it waits.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Command(command) => Self::bytes_of(command),
            Self::Watch { users } => users.len() * size_of::<UserId>() + SMALL,
            Self::Typing { .. } | Self::Ping => SMALL,
        }
    }
}
