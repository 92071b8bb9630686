//! The two dialects as the pump speaks them: how a frame is decoded, and how its refusal is encoded.

use crate::domain::{Command, UserId};
use crate::protocol::v1::{self, ClientFrame, Context};
use crate::protocol::{Frame, FrameError, legacy};

/// The dialect of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// The dialect of the shipped Android app.
    Legacy,
    /// `fluent.v1`.
    V1,
}

/// The request in a frame.
pub(super) enum Asked {
    /// A command for the writer.
    Command(Command),
    /// Shows another user that this one types.
    Typing { to: UserId, active: bool },
    /// Asks for the presence of these users.
    Watch(Vec<UserId>),
    /// Is answered with this frame at once.
    Pong(Frame),
}

/// Bytes that a command without a message occupies while it waits.
const SMALL: usize = 256;

impl Asked {
    /// Returns the bytes that it occupies while it waits.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Command(Command::Send(draft)) => draft.bytes(),
            Self::Watch(users) => users.len() * size_of::<UserId>() + SMALL,
            _ => SMALL,
        }
    }
}

impl Dialect {
    /// Decodes a frame of `user`. Returns what its answer repeats, beside the request or its error.
    pub(super) fn decode(
        self,
        text: &str,
        user: UserId,
        max_ciphertext: usize,
    ) -> (Context, Result<Asked, FrameError>) {
        match self {
            Self::Legacy => {
                let draft = legacy::decode(text, user, max_ciphertext);
                (Context::default(), draft.map(|draft| Asked::Command(Command::Send(Box::new(draft)))))
            }
            Self::V1 => {
                let decoded = v1::decode(text, user, max_ciphertext);
                let asked = decoded.frame.map(|frame| match frame {
                    ClientFrame::Send(draft) => Asked::Command(Command::Send(draft)),
                    ClientFrame::Delivered { up_to } => Asked::Command(Command::Delivered { user, up_to }),
                    ClientFrame::Read { partner, up_to } => Asked::Command(Command::Read { user, partner, up_to }),
                    ClientFrame::Delete { id, scope } => Asked::Command(Command::Delete { user, id, scope }),
                    ClientFrame::Typing { to, active } => Asked::Typing { to, active },
                    ClientFrame::Presence { watch } => Asked::Watch(watch),
                    ClientFrame::Ping => Asked::Pong(v1::pong(decoded.context.reference.as_ref())),
                });
                (decoded.context, asked)
            }
        }
    }

    pub(super) fn error(self, error: &FrameError, context: &Context) -> Frame {
        match self {
            Self::Legacy => legacy::error(error),
            Self::V1 => v1::error(error, context),
        }
    }

    /// Encodes the notice that the server goes down; the legacy dialect has none.
    pub(super) fn going_away(self, reconnect_after_ms: u64) -> Option<Frame> {
        (self == Self::V1).then(|| v1::going_away(reconnect_after_ms))
    }
}
