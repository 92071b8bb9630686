//! Figures of sessions and sockets, for operators.

use std::time::Duration;

use crate::domain::{SocketId, UserId};
use crate::telemetry::SocketKind;

/// The figures of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionFigures {
    /// Its number among the sessions of this run of the server.
    pub number: u64,
    /// The user.
    pub user: UserId,
    /// For how long it has been there.
    pub age: Duration,
    /// Messages in its mailbox.
    pub waiting: u64,
    /// The wait of the oldest of these, at most.
    pub oldest_wait: Option<Duration>,
}

/// The figures of one open socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketFigures {
    /// Its number in this run of the server.
    pub id: SocketId,
    /// The user.
    pub user: UserId,
    /// What it speaks, and in which mode.
    pub kind: SocketKind,
    /// What waits to be written to it.
    pub queue: QueueFigures,
    /// For how long it has been open.
    pub age: Duration,
}

/// The figures of a socket's send queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueFigures {
    /// Frames in it.
    pub frames: usize,
    /// The bytes of these frames.
    pub bytes: usize,
    /// For how long nothing was taken out; zero while it is empty.
    pub still_for: Duration,
}
