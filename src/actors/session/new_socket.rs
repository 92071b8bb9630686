//! The description of a socket that is about to be opened.

use std::any::Any;

use super::send_queue::QueueSender;
use crate::domain::{DeviceId, LoginId, Seq, Since, SocketId, WakeId};
use crate::protocol::who::Stamp;

/// A socket that is about to be opened.
pub struct NewSocket {
    /// Its id, unique in this process.
    pub id: SocketId,
    /// The login that opens it.
    pub login: LoginId,
    /// The queue of its outgoing frames.
    pub queue: QueueSender,
    /// The parameters of a `fluent.v1` socket; `None` in the legacy dialect.
    pub opening: Option<Opening>,
    /// The number above which a socket of the legacy dialect is told messages: what was committed before it opened, it
    /// reads.
    pub above: Seq,
    /// The stamp of a socket of the legacy dialect on PostgreSQL; the others take theirs when they read.
    pub stamp: Option<Stamp>,
}

/// The parameters with which a client opens a `fluent.v1` socket.
#[derive(Debug)]
pub struct Opening {
    /// The device that opens it.
    pub device: DeviceId,
    /// The cursor after which its events begin, as the client gave it; `None` for new events only.
    pub since: Option<Since>,
    /// The wake-up because of which the device comes, if it says so.
    pub wake: Option<WakeId>,
    /// Whether the socket leaves its user's presence as it is.
    pub is_background: bool,
    /// The permit to be opened now. It is dropped when the first page has been made into frames.
    pub admission: Box<dyn Any + Send>,
}
