//! Close reasons: the codes and texts of the server's close frames.

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
}

impl CloseReason {
    /// The close code (RFC 6455 §7.4; 1012 and 1013 from the IANA registry; 4000 and up are our own) and its text.
    #[must_use]
    pub const fn code_and_text(self) -> (u16, &'static str) {
        match self {
            Self::SlowReader => (1013, "reading too slowly"),
            Self::Fault => (1011, "server fault"),
            Self::TooMany => (4002, "too many sockets"),
            Self::LoginEnded(end) => (4001, end.as_str()),
            Self::Replaced => (4003, "replaced by the same device"),
            Self::Restart => (1012, "restart"),
            Self::NoPong => (1001, "no pong"),
            Self::Policy => (1008, "too many bad frames"),
        }
    }
}

/// The reason why a login has ended: the text of a close frame with 4001.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginEnd {
    /// The user has logged out.
    Logout,
    /// Ended from another login or for a newer one, expired, or a spent refresh token came back.
    Revoked,
    /// The password was changed.
    Password,
    /// The account is gone.
    Deleted,
}

impl LoginEnd {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::Password => "password",
            Self::Deleted => "deleted",
        }
    }
}
