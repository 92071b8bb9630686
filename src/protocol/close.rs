//! Close reasons: the codes and texts of the server's close frames.

use crate::domain::LoginEnd;

/// The reason why the server closes a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The client does not read fast enough.
    SlowReader,
    /// The session actor has failed.
    Fault,
    /// The user has opened too many sockets; this is the oldest.
    TooMany,
    /// The login has ended.
    LoginEnded(LoginEnd),
    /// The same device has opened another socket.
    Replaced,
    /// The server restarts.
    Restart,
    /// The client has sent nothing for too long after a ping.
    NoPong,
    /// Too many bad frames.
    Policy,
    /// The client's network is blocked.
    Banned,
}

impl CloseReason {
    /// The close code (RFC 6455 §7.4; 1012 and 1013 from the IANA registry; 4000 and up are our own) and its text.
    #[must_use]
    pub const fn code_and_text(self) -> (u16, &'static str) {
        match self {
            Self::SlowReader => (1013, "reading too slowly"),
            Self::Fault => (1011, "server fault"),
            Self::TooMany => (4002, "too many sockets"),
            Self::LoginEnded(end) => (4001, text_of(end)),
            Self::Replaced => (4003, "replaced by the same device"),
            Self::Restart => (1012, "restart"),
            Self::NoPong => (1001, "no pong"),
            Self::Policy => (1008, "too many bad frames"),
            Self::Banned => (1008, "banned"),
        }
    }
}

/// Returns the text of a close frame with 4001.
const fn text_of(end: LoginEnd) -> &'static str {
    match end {
        LoginEnd::Logout => "logout",
        LoginEnd::Revoked => "revoked",
        LoginEnd::Password => "password",
        LoginEnd::Deleted => "deleted",
    }
}
