//! The messages of the registry, and the handle through which others send them.

use std::sync::Arc;

use ractor::ActorId;
use tokio::sync::oneshot;

use crate::actors::mailbox::Slot;
use crate::actors::session::messages::{Resync, SocketLease};
use crate::actors::session::new_socket::NewSocket;
use crate::actors::session::origin::Reply;
use crate::domain::{Audience, Event, LoginEnd, LoginId, SocketId, UserId};
use crate::protocol::{CloseReason, Frame};
use crate::telemetry::ReadAt;

pub(in crate::actors) enum RegistryMsg {
    Attach {
        user: UserId,
        socket: NewSocket,
        reply: oneshot::Sender<SocketLease>,
    },
    /// A session has no sockets left, after so many were attached to it.
    Idle {
        user: UserId,
        session: ActorId,
        attached: u64,
    },
    Deliver(Vec<Delivery>),
    EndLogins {
        user: UserId,
        logins: Arc<[LoginId]>,
        end: LoginEnd,
    },
    EndUser {
        user: UserId,
        end: LoginEnd,
    },
    /// A socket must give way to one at another server.
    Supersede {
        user: UserId,
        socket: SocketId,
        reason: CloseReason,
    },
    /// A frame that may be lost.
    Ephemeral {
        user: UserId,
        frame: Frame,
    },
    /// The presence actor was replaced: its successor knows of no user.
    ReportPresence,
    #[cfg(feature = "testing")]
    CrashSession(UserId),
    #[cfg(feature = "testing")]
    Crash,
}

/// An announcement of the writer. Announcements reach sessions in their order.
pub(in crate::actors) enum Delivery {
    /// A committed event.
    Event {
        to: Audience,
        event: Arc<Event>,
        /// For the socket that has caused it, when `to` includes its user.
        reply: Option<Reply>,
        /// When the message was read from its sender's socket, if that is at this server.
        read_at: Option<ReadAt>,
    },
    /// A reply without an event.
    Answer(Reply),
    /// A committed message that could not be announced at its time.
    Recovered { to: Audience, event: Arc<Event> },
    /// Some events could not be announced: sockets read them from the store.
    Resync(Resync),
}

/// The handle of the registry and of its successors.
#[derive(Clone)]
pub struct RegistryHandle(pub(in crate::actors) Slot<RegistryMsg>);

impl RegistryHandle {
    /// Adds a socket to the user's session, which is started if needed. After it returns, everything that is delivered
    /// to the user also goes to the socket's queue. Returns `None` while the registry is being restarted.
    pub async fn attach(&self, user: UserId, socket: NewSocket) -> Option<SocketLease> {
        let (reply, attached) = oneshot::channel();
        self.0.cast(RegistryMsg::Attach { user, socket, reply });
        attached.await.ok()
    }

    /// Closes the sockets of logins that have ended, with 4001.
    pub fn end_logins(&self, user: UserId, logins: &[LoginId], end: LoginEnd) {
        if !logins.is_empty() {
            self.0.cast(RegistryMsg::EndLogins { user, logins: logins.into(), end });
        }
    }

    /// Closes all sockets of a user with 4001.
    pub fn end_user(&self, user: UserId, end: LoginEnd) {
        self.0.cast(RegistryMsg::EndUser { user, end });
    }

    /// Makes the user's session panic.
    #[cfg(feature = "testing")]
    pub fn crash_session(&self, user: UserId) {
        self.0.cast(RegistryMsg::CrashSession(user));
    }

    /// Makes the registry panic.
    #[cfg(feature = "testing")]
    pub fn crash(&self) {
        self.0.cast(RegistryMsg::Crash);
    }

    /// Sends a frame that may be lost to all sockets of a user that have caught up.
    pub(in crate::actors) fn send_ephemeral(&self, user: UserId, frame: Frame) {
        self.0.cast(RegistryMsg::Ephemeral { user, frame });
    }

    /// Closes a socket that must give way to one at another server.
    pub(in crate::actors) fn supersede(&self, user: UserId, socket: SocketId, reason: CloseReason) {
        self.0.cast(RegistryMsg::Supersede { user, socket, reason });
    }

    /// Asks every session to report its presence again.
    pub(in crate::actors) fn report_presence(&self) {
        self.0.cast(RegistryMsg::ReportPresence);
    }

    /// Routes the writer's announcements, in their order.
    pub(in crate::actors) fn deliver(&self, deliveries: Vec<Delivery>) {
        if !deliveries.is_empty() {
            self.0.cast(RegistryMsg::Deliver(deliveries));
        }
    }

    /// Reports that a session has no sockets left, after so many were attached to it.
    pub(in crate::actors) fn session_is_idle(&self, user: UserId, session: ActorId, attached: u64) {
        self.0.cast(RegistryMsg::Idle { user, session, attached });
    }
}
