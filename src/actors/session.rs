//! The session of one connected user: their live sockets, and the door their messages pass.
//!
//! Supervised by the registry. When it fails, its sockets are closed with 1011 and the clients come back; nobody else
//! notices. Bounds: the mailbox holds at most the credit of its sockets and what the writer has committed for this user;
//! each socket's queue has its own bound ([`outbox`](super::outbox)).

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use super::credit::Credit;
use super::mailbox::{Timed, cast};
use super::outbox::{CloseReason, Letter, LoginEnd, OutboxEnd, OutboxSender};
use super::persistence::PersistenceHandle;
use super::registry::RegistryHandle;
use super::ticket::Ticket;
use crate::domain::{Draft, LoginId, Message, SocketId, UserId};
use crate::protocol::{FrameError, legacy};
use crate::telemetry::{ActorKind, metrics};

/// A socket that is about to be opened.
pub struct NewSocket {
    /// Its id.
    pub id: SocketId,
    /// The login session it lives in.
    pub login: LoginId,
    /// Where its frames go.
    pub outbox: OutboxEnd,
}

pub(super) enum SessionMsg {
    Attach {
        socket: NewSocket,
        reply: oneshot::Sender<Attachment>,
    },
    Detach(SocketId),
    Inbound {
        socket: SocketId,
        draft: Draft,
        credit: Credit,
    },
    Deliver {
        message: Arc<Message>,
        /// Of the sender's own message, when its socket was here.
        ticket: Option<Ticket>,
    },
    Failed {
        socket: SocketId,
        error: FrameError,
        credit: Credit,
    },
    EndLogins {
        logins: Arc<[LoginId]>,
        end: LoginEnd,
    },
    #[cfg(feature = "testing")]
    Crash,
}

/// A socket's place in its session; dropped, it is given up.
pub struct Attachment {
    session: ActorRef<Timed<SessionMsg>>,
    socket: SocketId,
}

impl Attachment {
    /// Hands over a message from this socket. Its sender sees it again once it is stored, or gets an error.
    pub fn send(&self, draft: Draft, credit: Credit) {
        cast(&self.session, SessionMsg::Inbound { socket: self.socket, draft, credit });
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        cast(&self.session, SessionMsg::Detach(self.socket));
    }
}

pub(super) struct SessionActor;

pub(super) struct SessionArgs {
    pub(super) user: UserId,
    pub(super) max_sockets: usize,
    pub(super) registry: RegistryHandle,
    pub(super) persistence: PersistenceHandle,
}

pub(super) struct SessionState {
    user: UserId,
    max_sockets: usize,
    /// Oldest first.
    sockets: Vec<Socket>,
    /// Sockets that were ever attached: tells the registry whether another one is on its way here.
    attached: u64,
    registry: RegistryHandle,
    persistence: PersistenceHandle,
}

struct Socket {
    id: SocketId,
    login: LoginId,
    outbox: OutboxSender,
}

impl Actor for SessionActor {
    type Msg = Timed<SessionMsg>;
    type State = SessionState;
    type Arguments = SessionArgs;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, args: SessionArgs) -> Result<SessionState, ActorProcessingErr> {
        metrics().sessions.increment(1);
        Ok(SessionState {
            user: args.user,
            max_sockets: args.max_sockets,
            sockets: Vec::new(),
            attached: 0,
            registry: args.registry,
            persistence: args.persistence,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut SessionState,
    ) -> Result<(), ActorProcessingErr> {
        match message.open(ActorKind::Session) {
            SessionMsg::Attach { socket, reply } => state.attach(&myself, socket, reply),
            SessionMsg::Detach(socket) => state.detach(&myself, socket),
            SessionMsg::Inbound { socket, draft, credit } => {
                state.persistence.append(draft, Ticket::new(myself, socket, credit));
            }
            SessionMsg::Deliver { message, ticket } => state.deliver(&message, ticket),
            SessionMsg::Failed { socket, error, credit } => state.fail(socket, &error, credit),
            SessionMsg::EndLogins { logins, end } => {
                state.close(CloseReason::LoginEnded(end), |socket| logins.contains(&socket.login));
            }
            #[cfg(feature = "testing")]
            SessionMsg::Crash => super::crash(),
        }
        Ok(())
    }
}

impl Drop for SessionState {
    fn drop(&mut self) {
        metrics().sessions.decrement(1);
    }
}

impl SessionState {
    fn attach(&mut self, myself: &ActorRef<Timed<SessionMsg>>, socket: NewSocket, reply: oneshot::Sender<Attachment>) {
        self.attached += 1;
        let NewSocket { id, login, outbox: OutboxEnd(outbox) } = socket;
        self.sockets.push(Socket { id, login, outbox });
        if self.sockets.len() > self.max_sockets {
            self.sockets.remove(0).outbox.close(CloseReason::TooMany);
        }
        // Given up meanwhile, it comes back, and its drop detaches the socket.
        let _ = reply.send(Attachment { session: myself.clone(), socket: id });
    }

    fn detach(&mut self, myself: &ActorRef<Timed<SessionMsg>>, socket: SocketId) {
        self.sockets.retain(|other| other.id != socket);
        if self.sockets.is_empty() {
            self.registry.session_is_idle(self.user, myself.get_id(), self.attached);
        }
    }

    /// Puts the user's copy into every socket's queue; a socket whose queue is full is let go.
    fn deliver(&mut self, message: &Message, ticket: Option<Ticket>) {
        let mut answer = ticket.and_then(Ticket::confirm);
        let Some(frame) = legacy::message(message, self.user) else { return };
        self.sockets.retain_mut(|socket| {
            let credit = answer.take_if(|(origin, _)| *origin == socket.id).map(|(_, credit)| credit);
            socket.outbox.push(Letter { frame: frame.clone(), credit, is_complaint: false })
        });
        metrics().messages_delivered.increment(self.sockets.len() as u64);
    }

    fn fail(&mut self, socket: SocketId, error: &FrameError, credit: Credit) {
        metrics().frame_error(error.code.as_str());
        let is_complaint = !error.code.is_retryable();
        let mut letter = Some(Letter { frame: legacy::error(error), credit: Some(credit), is_complaint });
        self.sockets.retain_mut(|other| match letter.take_if(|_| other.id == socket) {
            Some(letter) => other.outbox.push(letter),
            None => true,
        });
    }

    fn close(&mut self, reason: CloseReason, which: impl Fn(&Socket) -> bool) {
        for socket in self.sockets.iter_mut().filter(|socket| which(socket)) {
            socket.outbox.close(reason);
        }
    }
}
