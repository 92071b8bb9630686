//! The two dialects, as the pump sees them: what a frame asks for, and how the client is told that it cannot be had.

use crate::domain::{Command, UserId};
use crate::protocol::v1::{self, ClientFrame, Context};
use crate::protocol::{Frame, FrameError, legacy};

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// As the shipped Android app.
    Legacy,
    /// `fluent.v1`.
    V1,
}

/// What a frame asks for.
pub(super) enum Asked {
    /// Something that the writer does.
    Command(Command),
    /// To tell somebody that the user is writing.
    Typing { to: UserId, active: bool },
    /// To be told who is online.
    Watch(Vec<UserId>),
    /// An answer.
    Pong(Frame),
}

/// Bytes that a command without a message occupies while it waits.
const SMALL: usize = 256;

impl Asked {
    /// Bytes that it occupies while it waits.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Command(Command::Send(draft)) => draft.bytes(),
            Self::Watch(users) => users.len() * size_of::<UserId>() + SMALL,
            _ => SMALL,
        }
    }
}

impl Dialect {
    /// Reads a frame of `user`, and what its answer repeats.
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

    /// What a client hears before the server goes down.
    pub(super) fn going_away(self, reconnect_after_ms: u64) -> Option<Frame> {
        (self == Self::V1).then(|| v1::going_away(reconnect_after_ms))
    }
}
