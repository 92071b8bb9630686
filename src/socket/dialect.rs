//! The two dialects as the pump speaks them: frames are decoded, and their refusals encoded.

use crate::domain::{SendLimits, UserId};
use crate::protocol::v1::{self, Context, Decoded};
use crate::protocol::{Frame, FrameError, Request, legacy};

/// The dialect of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// The dialect of the shipped Android app.
    Legacy,
    /// `fluent.v1`.
    V1,
}

impl Dialect {
    /// Decodes a frame of `user`. Returns what the reply repeats, beside the request or the reason why it cannot be
    /// taken.
    pub(super) fn decode(self, text: &str, user: UserId, limits: SendLimits) -> (Context, Result<Request, FrameError>) {
        match self {
            Self::Legacy => (Context::default(), legacy::decode(text, user, limits.ciphertext_bytes)),
            Self::V1 => {
                let Decoded { context, request } = v1::decode(text, user, limits);
                (context, request)
            }
        }
    }

    /// Encodes the refusal of a frame.
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
