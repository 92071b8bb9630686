//! The registry: the users that are connected to this node. Starts and supervises the sessions and routes to them.
//!
//! Supervised by the root. When it fails, its sessions end with it, their sockets are closed with 1011 and the clients
//! come back to its successor. Bound: its mailbox holds what the writer has committed (bounded by the credit of all
//! sockets) and one message a handshake (bounded by the number of connections).

pub(super) mod local_users;
pub(super) mod messages;

use std::collections::HashMap;
use std::sync::Arc;

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::oneshot;

use super::health::Health;
use super::mailbox::{Mailbox, Timed};
use super::persistence::messages::PersistenceHandle;
use super::presence::messages::PresenceHandle;
use super::session::messages::{SessionHandle, SessionMsg, SocketLease, Update};
use super::session::new_socket::NewSocket;
use super::session::replay::Replays;
use super::session::{SessionActor, SessionArgs};
use super::stats::ActorCounters;
use super::who::messages::WhoHandle;
use crate::domain::{Audience, UserId};
use crate::telemetry::ActorKind;
use local_users::LocalUsers;
use messages::{Delivery, RegistryHandle, RegistryMsg};

pub(super) struct RegistryActor(pub(super) Arc<ActorCounters>);

#[derive(Clone)]
pub(super) struct RegistryArgs {
    pub(super) max_sockets: usize,
    pub(super) handle: RegistryHandle,
    pub(super) local: LocalUsers,
    pub(super) persistence: PersistenceHandle,
    pub(super) presence: PresenceHandle,
    pub(super) who: Option<WhoHandle>,
    pub(super) replays: Arc<Replays>,
    pub(super) health: Arc<Health>,
}

pub(super) struct RegistryState {
    args: RegistryArgs,
    /// By numbers that the server itself gives, which need no hash that withstands an attacker.
    sessions: foldhash::HashMap<UserId, Session>,
    users: HashMap<ActorId, UserId>,
    /// Users whose session has updates to be sent.
    pending: Vec<UserId>,
}

struct Session {
    handle: SessionHandle,
    /// Sockets that were ever sent to it.
    attached: u64,
    /// Updates that are sent at the end of the batch in one message: waking the session costs more than an update.
    updates: Vec<Update>,
    /// How many there were the last time.
    usual: usize,
}

impl Actor for RegistryActor {
    type Msg = Timed<RegistryMsg>;
    type State = RegistryState;
    type Arguments = RegistryArgs;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, args: RegistryArgs) -> Result<RegistryState, ActorProcessingErr> {
        // The sessions of a predecessor have ended with it.
        args.presence.registry_replaced();
        args.local.clear();
        args.replays.storage.devices().left(None, args.replays.clock.now());
        if let Some(who) = &args.who {
            who.left(None);
        }
        Ok(RegistryState { args, sessions: foldhash::HashMap::default(), users: HashMap::new(), pending: Vec::new() })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut RegistryState,
    ) -> Result<(), ActorProcessingErr> {
        let (message, _busy) = message.open(&self.0);
        #[cfg(feature = "testing")]
        self.0.kind().fault().suffer().await;
        match message {
            RegistryMsg::Attach { user, socket, reply } => state.attach(&myself, user, socket, reply).await,
            RegistryMsg::Idle { user, session, attached } => state.retire(user, session, attached),
            RegistryMsg::Deliver(deliveries) => {
                for delivery in deliveries {
                    state.deliver(delivery);
                }
                state.flush_updates();
            }
            RegistryMsg::EndLogins { user, logins, end } => state.send(user, SessionMsg::EndLogins { logins, end }),
            RegistryMsg::EndUser { user, end } => state.send(user, SessionMsg::Close(end)),
            RegistryMsg::Supersede { user, socket, reason } => {
                state.send(user, SessionMsg::Supersede { socket, reason });
            }
            RegistryMsg::Ephemeral { user, frame } => state.send(user, SessionMsg::Ephemeral { socket: None, frame }),
            RegistryMsg::ReportPresence => state.send_all(|| SessionMsg::ReportPresence),
            #[cfg(feature = "testing")]
            RegistryMsg::CrashSession(user) => state.send(user, SessionMsg::Crash),
            #[cfg(feature = "testing")]
            RegistryMsg::Crash => super::mailbox::crash(),
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
                state.args.health.stats(ActorKind::Session).failed(&error);
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
            self.start_session(myself, user).await;
        }
        if let Some(session) = self.sessions.get_mut(&user) {
            session.attached += 1;
            session.handle.send(SessionMsg::Attach { socket, reply });
        }
    }

    async fn start_session(&mut self, myself: &ActorRef<Timed<RegistryMsg>>, user: UserId) {
        let args = SessionArgs {
            user,
            max_sockets: self.args.max_sockets,
            registry: self.args.handle.clone(),
            persistence: self.args.persistence.clone(),
            presence: self.args.presence.clone(),
            who: self.args.who.clone(),
            replays: self.args.replays.clone(),
        };
        let counters = self.args.health.stats(ActorKind::Session).actor_of(Some(user));
        // Awaits only the session's `pre_start`, which does no I/O.
        match Actor::spawn_linked(None, SessionActor(counters.clone()), args, myself.get_cell()).await {
            Ok((actor, _)) => {
                self.users.insert(actor.get_id(), user);
                self.args.local.add(user);
                let handle = SessionHandle(Mailbox::new(actor, counters));
                self.sessions.insert(user, Session { handle, attached: 0, updates: Vec::new(), usual: 0 });
            }
            Err(error) => tracing::error!(user.id = %user, error = %error, "cannot start a session"),
        }
    }

    /// Stops a session without sockets, unless a socket is on its way to it: then it has attached fewer than were sent.
    fn retire(&mut self, user: UserId, session: ActorId, attached: u64) {
        let idle = |s: &Session| s.handle.id() == session && s.attached == attached;
        if self.sessions.get(&user).is_some_and(idle)
            && let Some(session) = self.sessions.remove(&user)
        {
            self.users.remove(&session.handle.id());
            self.args.local.remove(user);
            session.handle.stop();
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Event { to, event, mut reply, read_at } => self.each_online(to, |state, user| {
                let reply = reply.take_if(|reply| reply.origin.user == user);
                state.enqueue(user, Update::Event { event: event.clone(), reply, read_at });
            }),
            Delivery::Answer(reply) => self.enqueue(reply.origin.user, Update::Answer(reply)),
            Delivery::Recovered { to, event } => {
                self.flush_updates();
                self.each_online(to, |state, user| state.send(user, SessionMsg::Recovered(event.clone())));
            }
            Delivery::Resync(why) => {
                self.flush_updates();
                self.send_all(|| SessionMsg::Resync(why));
            }
        }
    }

    /// Does something for each user of an audience who may be connected.
    fn each_online(&mut self, audience: Audience, mut what: impl FnMut(&mut Self, UserId)) {
        match audience {
            Audience::User(user) => what(self, user),
            Audience::Members(conversation) => conversation.members().for_each(|user| what(self, user)),
            Audience::All => {
                let users: Vec<UserId> = self.sessions.keys().copied().collect();
                for user in users {
                    what(self, user);
                }
            }
        }
    }

    /// Keeps an update for the user's session until the end of the batch.
    fn enqueue(&mut self, user: UserId, update: Update) {
        if let Some(session) = self.sessions.get_mut(&user) {
            if session.updates.is_empty() {
                self.pending.push(user);
                session.updates.reserve(session.usual);
            }
            session.updates.push(update);
        }
    }

    fn flush_updates(&mut self) {
        for user in self.pending.drain(..) {
            if let Some(session) = self.sessions.get_mut(&user) {
                session.usual = session.updates.len();
                session.handle.send(SessionMsg::Updates(std::mem::take(&mut session.updates)));
            }
        }
    }

    fn send_all(&self, message: impl Fn() -> SessionMsg) {
        for session in self.sessions.values() {
            session.handle.send(message());
        }
    }

    fn send(&self, user: UserId, message: SessionMsg) {
        if let Some(session) = self.sessions.get(&user) {
            session.handle.send(message);
        }
    }

    /// Forgets a session that has ended. The actor's id identifies it, since the user may have a new session already.
    fn forget(&mut self, session: ActorId) {
        if let Some(user) = self.users.remove(&session) {
            self.sessions.remove(&user);
            self.args.local.remove(user);
            self.args.presence.seen(user, false);
            self.args.replays.storage.devices().left(Some(user), self.args.replays.clock.now());
            if let Some(who) = &self.args.who {
                who.left(Some(user));
            }
        }
    }
}

#[cfg(test)]
mod tests;
