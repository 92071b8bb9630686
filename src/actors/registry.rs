//! The registry: who is connected to this node. Starts and supervises the sessions and routes to them.
//!
//! Supervised by the root. When it fails, its sessions end with it, their sockets are closed with 1011 and the clients come
//! back to its successor. Bound: its mailbox holds what the writer has committed (bounded by the credit of all sockets) and
//! one message a handshake (bounded by the number of connections).

use std::collections::HashMap;
use std::sync::Arc;

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::oneshot;

use super::health::Health;
use super::mailbox::{Slot, Timed, cast};
use super::persistence::PersistenceHandle;
use super::persistence::reply::Reply;
use super::presence::PresenceHandle;
use super::session::replay::Replays;
use super::session::socket::{NewSocket, SocketLease};
use super::session::{News, SessionActor, SessionArgs, SessionMsg};
use crate::domain::{Audience, Event, LoginId, UserId};
use crate::protocol::Frame;
use crate::protocol::LoginEnd;
use crate::telemetry::ActorKind;

pub(super) enum RegistryMsg {
    Attach {
        user: UserId,
        socket: NewSocket,
        reply: oneshot::Sender<SocketLease>,
    },
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
    Whisper {
        user: UserId,
        frame: Frame,
    },
    /// The presence actor has forgotten everything.
    Introduce,
    #[cfg(feature = "testing")]
    CrashSession(UserId),
    #[cfg(feature = "testing")]
    Crash,
}

/// What the writer has to say, in the order in which sessions must hear it.
pub(super) enum Delivery {
    /// A committed event.
    Event {
        to: Audience,
        event: Arc<Event>,
        /// For the socket that has caused it, when `to` is its user.
        reply: Option<Reply>,
    },
    /// An answer without an event.
    Answer(Reply),
    /// A committed message that could not be told at its time, for both sides.
    Recovered([UserId; 2], Arc<Event>),
    /// Not everything could be told.
    Resync,
}

/// The registry, whichever incarnation is alive.
#[derive(Clone)]
pub struct RegistryHandle(pub(super) Slot<RegistryMsg>);

impl RegistryHandle {
    /// Adds a socket to the user's session, which is started if need be. From the answer on, whatever is delivered to the
    /// user goes to the socket's queue. `None` when the registry is being restarted.
    pub async fn attach(&self, user: UserId, socket: NewSocket) -> Option<SocketLease> {
        let (reply, attached) = oneshot::channel();
        self.0.cast(RegistryMsg::Attach { user, socket, reply });
        attached.await.ok()
    }

    /// Closes the sockets of login sessions that have ended, with 4001.
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

    /// For all sockets of a user that have caught up; nobody misses it.
    pub(super) fn whisper(&self, user: UserId, frame: Frame) {
        self.0.cast(RegistryMsg::Whisper { user, frame });
    }

    /// Every session says again whether its user is online.
    pub(super) fn introduce(&self) {
        self.0.cast(RegistryMsg::Introduce);
    }

    /// Routes what the writer has to say, in its order.
    pub(super) fn deliver(&self, deliveries: Vec<Delivery>) {
        if !deliveries.is_empty() {
            self.0.cast(RegistryMsg::Deliver(deliveries));
        }
    }

    pub(super) fn session_is_idle(&self, user: UserId, session: ActorId, attached: u64) {
        self.0.cast(RegistryMsg::Idle { user, session, attached });
    }
}

pub(super) struct RegistryActor;

#[derive(Clone)]
pub(super) struct RegistryArgs {
    pub(super) max_sockets: usize,
    pub(super) handle: RegistryHandle,
    pub(super) persistence: PersistenceHandle,
    pub(super) presence: PresenceHandle,
    pub(super) replays: Arc<Replays>,
    pub(super) health: Arc<Health>,
}

pub(super) struct RegistryState {
    args: RegistryArgs,
    sessions: HashMap<UserId, Session>,
    users: HashMap<ActorId, UserId>,
    /// Who has unsent news.
    told: Vec<UserId>,
}

struct Session {
    actor: ActorRef<Timed<SessionMsg>>,
    /// Sockets that were ever sent to it.
    attached: u64,
    /// What it is told at the end of the batch, in one message: waking it costs more than the news.
    news: Vec<News>,
}

impl Actor for RegistryActor {
    type Msg = Timed<RegistryMsg>;
    type State = RegistryState;
    type Arguments = RegistryArgs;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, args: RegistryArgs) -> Result<RegistryState, ActorProcessingErr> {
        // The sessions of a predecessor have ended with it.
        args.presence.everybody_left();
        Ok(RegistryState { args, sessions: HashMap::new(), users: HashMap::new(), told: Vec::new() })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut RegistryState,
    ) -> Result<(), ActorProcessingErr> {
        match message.open(ActorKind::Registry) {
            RegistryMsg::Attach { user, socket, reply } => state.attach(&myself, user, socket, reply).await,
            RegistryMsg::Idle { user, session, attached } => state.retire(user, session, attached),
            RegistryMsg::Deliver(deliveries) => {
                for delivery in deliveries {
                    state.deliver(delivery);
                }
                state.send_news();
            }
            RegistryMsg::EndLogins { user, logins, end } => state.send(user, SessionMsg::EndLogins { logins, end }),
            RegistryMsg::EndUser { user, end } => state.send(user, SessionMsg::Close(end)),
            RegistryMsg::Whisper { user, frame } => state.send(user, SessionMsg::Whisper { socket: None, frame }),
            RegistryMsg::Introduce => state.send_all(|| SessionMsg::Introduce),
            #[cfg(feature = "testing")]
            RegistryMsg::CrashSession(user) => state.send(user, SessionMsg::Crash),
            #[cfg(feature = "testing")]
            RegistryMsg::Crash => super::crash(),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        state: &mut RegistryState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(cell, ..) => state.forget(cell.get_id()),
            SupervisionEvent::ActorFailed(cell, error) => {
                state.args.health.actor_failed(ActorKind::Session);
                let user = state.users.get(&cell.get_id()).copied();
                tracing::error!(user.id = ?user, error = %error, "a session failed: its sockets are closed");
                state.forget(cell.get_id());
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl RegistryState {
    async fn attach(
        &mut self,
        myself: &ActorRef<Timed<RegistryMsg>>,
        user: UserId,
        socket: NewSocket,
        reply: oneshot::Sender<SocketLease>,
    ) {
        if !self.sessions.contains_key(&user) {
            let args = SessionArgs {
                user,
                max_sockets: self.args.max_sockets,
                registry: self.args.handle.clone(),
                persistence: self.args.persistence.clone(),
                presence: self.args.presence.clone(),
                replays: self.args.replays.clone(),
            };
            // Awaits only the session's `pre_start`, which does no I/O.
            match Actor::spawn_linked(None, SessionActor, args, myself.get_cell()).await {
                Ok((actor, _)) => {
                    self.users.insert(actor.get_id(), user);
                    self.sessions.insert(user, Session { actor, attached: 0, news: Vec::new() });
                }
                Err(error) => tracing::error!(user.id = %user, error = %error, "cannot start a session"),
            }
        }
        if let Some(session) = self.sessions.get_mut(&user) {
            session.attached += 1;
            cast(&session.actor, SessionMsg::Attach { socket, reply });
        }
    }

    /// Stops a session without sockets, unless one is on its way to it: then it has seen fewer than were sent.
    fn retire(&mut self, user: UserId, session: ActorId, attached: u64) {
        let idle = |s: &Session| s.actor.get_id() == session && s.attached == attached;
        if self.sessions.get(&user).is_some_and(idle)
            && let Some(session) = self.sessions.remove(&user)
        {
            self.users.remove(&session.actor.get_id());
            session.actor.stop(None);
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Event { to: Audience::User(user), event, reply } => {
                self.tell(user, News::Event { event, reply });
            }
            Delivery::Answer(reply) => self.tell(reply.origin.user, News::Answer(reply)),
            Delivery::Event { to: Audience::All, event, .. } => {
                let users: Vec<UserId> = self.sessions.keys().copied().collect();
                for user in users {
                    self.tell(user, News::Event { event: event.clone(), reply: None });
                }
            }
            Delivery::Recovered([a, b], event) => {
                self.send_news();
                self.send(a, SessionMsg::Recovered(event.clone()));
                if a != b {
                    self.send(b, SessionMsg::Recovered(event));
                }
            }
            Delivery::Resync => {
                self.send_news();
                self.send_all(|| SessionMsg::Resync);
            }
        }
    }

    fn tell(&mut self, user: UserId, news: News) {
        if let Some(session) = self.sessions.get_mut(&user) {
            if session.news.is_empty() {
                self.told.push(user);
            }
            session.news.push(news);
        }
    }

    fn send_news(&mut self) {
        for user in self.told.drain(..) {
            if let Some(session) = self.sessions.get_mut(&user) {
                cast(&session.actor, SessionMsg::Told(std::mem::take(&mut session.news)));
            }
        }
    }

    fn send_all(&self, message: impl Fn() -> SessionMsg) {
        for session in self.sessions.values() {
            cast(&session.actor, message());
        }
    }

    fn send(&self, user: UserId, message: SessionMsg) {
        if let Some(session) = self.sessions.get(&user) {
            cast(&session.actor, message);
        }
    }

    /// By the actor's id, not the user's: the user may have a new session already.
    fn forget(&mut self, session: ActorId) {
        if let Some(user) = self.users.remove(&session) {
            self.sessions.remove(&user);
            self.args.presence.seen(user, false);
        }
    }
}
