//! The session of one connected user: their live sockets, and the door their commands pass.
//!
//! Supervised by the registry. When it fails, its sockets are closed with 1011 and the clients come back; nobody else
//! notices. Bounds: the mailbox holds at most the credit of its sockets, a page for each that catches up, and what the writer
//! has committed for this user; each socket's queue has its own bound ([`send_queue`]).

pub(super) mod credit;
pub(super) mod replay;
pub(super) mod send_queue;
pub(super) mod socket;
pub(super) mod stream;

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use super::mailbox::Timed;
use super::persistence::PersistenceHandle;
use super::persistence::reply::{Origin, PendingReply, Reply};
use super::presence::PresenceHandle;
use super::registry::RegistryHandle;
use crate::domain::{Command, Event, EventBody, LoginId, SocketId, UserId};
use crate::protocol::v1::Context;
use crate::protocol::{CloseReason, LoginEnd};
use crate::protocol::{Frame, FrameError};
use crate::telemetry::{ActorKind, metrics};
use credit::Credit;
use replay::{Greeting, Replays};
use socket::{NewSocket, SessionSocket, SocketLease};
use stream::PageInHand;

pub(super) enum SessionMsg {
    Attach {
        socket: NewSocket,
        reply: oneshot::Sender<SocketLease>,
    },
    Detach(SocketId),
    Inbound {
        socket: SocketId,
        command: Command,
        context: Context,
        credit: Credit,
    },
    /// What the writer has to say to this user, in its order.
    Told(Vec<News>),
    Failed {
        origin: Origin,
        error: FrameError,
    },
    Greet {
        socket: SocketId,
        greeting: Greeting,
    },
    Page {
        socket: SocketId,
        page: PageInHand,
    },
    /// A message of which nobody knew whether it was stored. Only for sockets that cannot resume.
    Recovered(Arc<Event>),
    /// There may be more of that: the others ask the store.
    Resync,
    /// For one socket, or all that can read it; nobody misses it.
    Whisper {
        socket: Option<SocketId>,
        frame: Frame,
    },
    Watch {
        socket: SocketId,
        users: Vec<UserId>,
        credit: Credit,
    },
    /// The presence actor has forgotten everything.
    Introduce,
    EndLogins {
        logins: Arc<[LoginId]>,
        end: LoginEnd,
    },
    Close(LoginEnd),
    #[cfg(feature = "testing")]
    Crash,
}

/// What a session is told by the writer.
pub(super) enum News {
    Event {
        event: Arc<Event>,
        /// Takes the event's place on the socket that has caused it.
        reply: Option<Reply>,
    },
    /// An answer without an event.
    Answer(Reply),
}

pub(super) struct SessionActor;

pub(super) struct SessionArgs {
    pub(super) user: UserId,
    pub(super) max_sockets: usize,
    pub(super) registry: RegistryHandle,
    pub(super) persistence: PersistenceHandle,
    pub(super) presence: PresenceHandle,
    pub(super) replays: Arc<Replays>,
}

pub(super) struct SessionState {
    args: SessionArgs,
    /// Oldest first.
    sockets: Vec<SessionSocket>,
    /// Sockets that were ever attached: tells the registry whether another one is on its way here.
    attached: u64,
    is_online: bool,
}

impl Actor for SessionActor {
    type Msg = Timed<SessionMsg>;
    type State = SessionState;
    type Arguments = SessionArgs;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, args: SessionArgs) -> Result<SessionState, ActorProcessingErr> {
        metrics().sessions.increment(1);
        Ok(SessionState { args, sockets: Vec::new(), attached: 0, is_online: false })
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
            SessionMsg::Inbound { socket, command, context, credit } => {
                state.inbound(myself, socket, command, context, credit);
            }
            SessionMsg::Told(all) => {
                for news in all {
                    state.tell(news);
                }
            }
            SessionMsg::Failed { origin, error } => state.with(origin.socket, |socket| socket.fail(origin, &error)),
            SessionMsg::Greet { socket, greeting } => state.with(socket, |socket| socket.greet(greeting)),
            SessionMsg::Page { socket, page } => state.with(socket, |socket| socket.page(page)),
            SessionMsg::Recovered(event) => state.each(|socket| socket.recovered(&event)),
            SessionMsg::Resync => {
                let replays = state.args.replays.clone();
                state.each(|socket| socket.resync(&replays, &myself));
            }
            SessionMsg::Whisper { socket: None, frame } => state.each(|socket| socket.whisper(&frame)),
            SessionMsg::Whisper { socket: Some(id), frame } => state.with(id, |socket| socket.tell(&frame)),
            SessionMsg::Watch { socket, users, credit } => {
                let (presence, user) = (state.args.presence.clone(), state.args.user);
                state.with(socket, |socket| {
                    socket.watching.clone_from(&users);
                    presence.watch(user, socket.id, myself.clone(), users, Some(credit));
                    true
                });
            }
            SessionMsg::Introduce => state.introduce(&myself),
            SessionMsg::EndLogins { logins, end } => {
                state.close(CloseReason::LoginEnded(end), |socket| logins.contains(&socket.login));
            }
            SessionMsg::Close(end) => state.close(CloseReason::LoginEnded(end), |_| true),
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
    fn attach(&mut self, myself: &ActorRef<Timed<SessionMsg>>, socket: NewSocket, reply: oneshot::Sender<SocketLease>) {
        self.attached += 1;
        let id = socket.id;
        if let Some(opening) = &socket.opening {
            // A phone that has changed networks leaves no ghost.
            let is_same = |other: &SessionSocket| other.device.as_ref() == Some(&opening.device);
            if let Some(index) = self.sockets.iter().position(is_same) {
                self.sockets.remove(index).close(CloseReason::Replaced);
            }
        }
        // Most users have one.
        self.sockets.reserve_exact(1);
        self.sockets.push(SessionSocket::new(socket, myself, self.args.user, &self.args.replays));
        if self.sockets.len() > self.args.max_sockets {
            self.sockets.remove(0).close(CloseReason::TooMany);
        }
        self.look_online();
        // Given up meanwhile, it comes back, and its drop detaches the socket.
        let _ = reply.send(SocketLease::new(myself.clone(), id, self.args.user, self.args.presence.clone()));
    }

    fn detach(&mut self, myself: &ActorRef<Timed<SessionMsg>>, socket: SocketId) {
        self.sockets.retain(|other| other.id != socket);
        self.args.presence.unwatch(socket);
        self.look_online();
        if self.sockets.is_empty() {
            self.args.registry.session_is_idle(self.args.user, myself.get_id(), self.attached);
        }
    }

    fn inbound(
        &mut self,
        myself: ActorRef<Timed<SessionMsg>>,
        id: SocketId,
        command: Command,
        context: Context,
        credit: Credit,
    ) {
        let ordinal = self.sockets.iter_mut().find(|socket| socket.id == id).map_or(0, SessionSocket::command);
        let origin = Origin { user: self.args.user, socket: id, ordinal, context, credit };
        self.args.persistence.submit(command, PendingReply::socket(myself, origin));
    }

    fn tell(&mut self, news: News) {
        match news {
            News::Event { event, reply } => self.deliver(&event, reply),
            News::Answer(reply) => {
                let socket = reply.origin.socket;
                self.with(socket, |socket| socket.answer(reply));
            }
        }
    }

    /// Gives the event to every socket in its dialect; a socket whose queue is full is let go.
    fn deliver(&mut self, event: &Arc<Event>, mut reply: Option<Reply>) {
        let mut given = 0;
        self.each(|socket| {
            let own = reply.take_if(|reply| reply.origin.socket == socket.id);
            given += 1;
            socket.event(event, own)
        });
        if let EventBody::Message(message) = &event.body {
            metrics().messages_delivered.increment(given);
            let user = self.args.user;
            let other = if message.sender == user { message.receiver } else { message.sender };
            if self.sockets.iter().any(|socket| socket.watching.contains(&other)) {
                self.args.presence.met(user, other);
            }
        }
    }

    fn introduce(&mut self, myself: &ActorRef<Timed<SessionMsg>>) {
        self.is_online = false;
        self.look_online();
        for socket in self.sockets.iter().filter(|socket| !socket.watching.is_empty()) {
            let watching = socket.watching.clone();
            self.args.presence.watch(self.args.user, socket.id, myself.clone(), watching, None);
        }
    }

    /// Says when the user appears and disappears.
    fn look_online(&mut self) {
        let is_online = self.sockets.iter().any(|socket| !socket.is_background);
        if is_online != self.is_online {
            self.is_online = is_online;
            self.args.presence.seen(self.args.user, is_online);
        }
    }

    /// Does something with every socket; those that are closed by it are forgotten.
    fn each(&mut self, mut what: impl FnMut(&mut SessionSocket) -> bool) {
        self.sockets.retain_mut(|socket| what(socket));
    }

    /// Does something with one socket, when it is still here.
    fn with(&mut self, id: SocketId, what: impl FnOnce(&mut SessionSocket) -> bool) {
        if let Some(index) = self.sockets.iter().position(|socket| socket.id == id)
            && let Some(socket) = self.sockets.get_mut(index)
            && !what(socket)
        {
            self.sockets.remove(index);
        }
    }

    fn close(&mut self, reason: CloseReason, which: impl Fn(&SessionSocket) -> bool) {
        for socket in self.sockets.iter_mut().filter(|socket| which(socket)) {
            socket.close(reason);
        }
    }
}
