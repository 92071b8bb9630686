//! The messages of a session, and the handles through which others send them.

use std::sync::Arc;

use ractor::ActorId;
use tokio::sync::oneshot;

use super::credit::Credit;
use super::new_socket::NewSocket;
use super::origin::{Origin, Reply};
use super::stream::{Greeting, PageInHand};
use crate::actors::mailbox::Mailbox;
use crate::domain::{Command, DirectKey, Event, LoginEnd, LoginId, SocketId, UserId};
use crate::protocol::v1::Context;
use crate::protocol::{CloseReason, Frame, FrameError};
use crate::telemetry::ReadAt;

pub(in crate::actors) enum SessionMsg {
    Attach {
        socket: NewSocket,
        reply: oneshot::Sender<SocketLease>,
    },
    Detach(SocketId),
    /// A command from a socket.
    Inbound {
        socket: SocketId,
        command: Command,
        context: Context,
        credit: Credit,
    },
    /// Announcements of the writer for this user, in commit order.
    Updates(Vec<Update>),
    /// The refusal of a command. On the heap, since it is rare: every session has room for its largest message.
    Failed(Box<(Origin, FrameError)>),
    Greet {
        socket: SocketId,
        greeting: Greeting,
    },
    Page {
        socket: SocketId,
        page: PageInHand,
    },
    /// A message whose commit was in doubt, for sockets that cannot resume.
    Recovered(Arc<Event>),
    /// Events may have been missed: sockets that can resume ask the store.
    Resync(Resync),
    /// A frame that may be lost, for one socket or for all that can read it.
    Ephemeral {
        socket: Option<SocketId>,
        frame: Frame,
    },
    Typing {
        conversation: DirectKey,
        active: bool,
        credit: Credit,
    },
    Watch {
        socket: SocketId,
        users: Vec<UserId>,
        credit: Credit,
    },
    /// Devices may not have acknowledged what they were sent.
    CheckConfirmed,
    /// The presence actor was replaced: its successor knows of no user.
    ReportPresence,
    EndLogins {
        logins: Arc<[LoginId]>,
        end: LoginEnd,
    },
    /// A socket must give way to one at another server.
    Supersede {
        socket: SocketId,
        reason: CloseReason,
    },
    /// Closes all sockets.
    Close(LoginEnd),
    #[cfg(feature = "testing")]
    Crash,
}

/// Why sockets read events from the store that were not announced to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::actors) enum Resync {
    /// A commit was in doubt. Sockets that cannot resume were told of its messages.
    InDoubt,
    /// Batches were missed. Sockets that cannot resume are closed with 1012.
    Missed {
        /// Whether answers were lost with them: sockets that wait for one are closed with 1011.
        answers_lost: bool,
    },
    /// The store has another history. All sockets are closed with 1012, and begin anew in it.
    NewHistory,
}

/// One announcement of the writer.
pub(in crate::actors) enum Update {
    Event {
        event: Arc<Event>,
        /// The reply that takes the event's place on the socket that has caused it.
        reply: Option<Reply>,
        /// When the message was read from its sender's socket, if that is at this server.
        read_at: Option<ReadAt>,
    },
    /// A reply without an event.
    Answer(Reply),
}

/// The handle of one user's session. The session has no successor: messages after its end are dropped.
#[derive(Clone)]
pub(in crate::actors) struct SessionHandle(pub(in crate::actors) Mailbox<SessionMsg>);

impl SessionHandle {
    pub(in crate::actors) fn id(&self) -> ActorId {
        self.0.id()
    }

    #[cfg(test)]
    pub(in crate::actors) fn cell(&self) -> ractor::ActorCell {
        self.0.cell()
    }

    pub(in crate::actors) fn send(&self, message: SessionMsg) {
        self.0.cast(message);
    }

    /// Sends a frame that may be lost to one socket.
    pub(in crate::actors) fn send_ephemeral(&self, socket: SocketId, frame: Frame) {
        self.0.cast(SessionMsg::Ephemeral { socket: Some(socket), frame });
    }

    /// Refuses a command of one of the sockets.
    pub(in crate::actors) fn refuse(&self, origin: Origin, error: FrameError) {
        self.0.cast(SessionMsg::Failed(Box::new((origin, error))));
    }

    pub(in crate::actors) fn stop(&self) {
        self.0.stop();
    }
}

/// The membership of a socket in its user's session. Dropping it detaches the socket.
pub struct SocketLease {
    session: SessionHandle,
    socket: SocketId,
}

impl SocketLease {
    pub(in crate::actors) fn new(session: SessionHandle, socket: SocketId) -> Self {
        Self { session, socket }
    }

    /// Returns the socket.
    #[must_use]
    pub fn socket(&self) -> SocketId {
        self.socket
    }

    /// Submits a command from this socket. Its reply repeats the fields in `context`, and comes when the command is
    /// carried out or refused.
    pub fn submit(&self, command: Command, context: Context, credit: Credit) {
        self.session.send(SessionMsg::Inbound { socket: self.socket, command, context, credit });
    }

    /// Reports that the user has begun to write in a conversation, or has stopped.
    pub fn typing(&self, conversation: DirectKey, active: bool, credit: Credit) {
        self.session.send(SessionMsg::Typing { conversation, active, credit });
    }

    /// Replaces the list of users whose presence this socket is shown.
    pub fn watch(&self, users: Vec<UserId>, credit: Credit) {
        self.session.send(SessionMsg::Watch { socket: self.socket, users, credit });
    }
}

impl Drop for SocketLease {
    fn drop(&mut self) {
        self.session.send(SessionMsg::Detach(self.socket));
    }
}
