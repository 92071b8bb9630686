//! The session of one connected user: holds the user's live sockets, and passes their commands to the writer.
//!
//! Supervised by the registry. When it fails, its sockets are closed with 1011 and the clients reconnect; no other user
//! is affected. Bounds: the mailbox holds at most the credit of its sockets, a page for each that catches up, and what
//! the writer has committed for this user; each socket's queue has its own bound ([`send_queue`]).

mod alive;
mod confirmations;
pub(super) mod credit;
pub(super) mod figures;
pub(super) mod messages;
pub(super) mod new_socket;
pub(super) mod origin;
mod presence;
pub(super) mod replay;
pub(super) mod send_queue;
mod socket;
mod socket_stream;
pub(super) mod stream;

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use super::mailbox::{Mailbox, Timed};
use super::persistence::messages::PersistenceHandle;
use super::persistence::reply::PendingReply;
use super::presence::messages::PresenceHandle;
use super::registry::messages::RegistryHandle;
use super::stats::ActorCounters;
use super::who::messages::WhoHandle;
use crate::domain::{Command, DeviceId, Event, EventBody, Limiter, Message, SocketId, UserId, Viewer};
use crate::protocol::CloseReason;
use crate::protocol::v1::Context;
use crate::protocol::who::{Mark, Stamp};
use crate::telemetry::{ReadAt, metrics};
use alive::Alive;
use credit::Credit;
use messages::{Resync, SessionHandle, SessionMsg, SocketLease, Update};
use new_socket::NewSocket;
use origin::{Origin, Reply};
use replay::Replays;
use socket::SessionSocket;

pub(super) struct SessionActor(pub(super) Arc<ActorCounters>);

pub(super) struct SessionArgs {
    pub(super) user: UserId,
    pub(super) max_sockets: usize,
    pub(super) registry: RegistryHandle,
    pub(super) persistence: PersistenceHandle,
    pub(super) presence: PresenceHandle,
    /// Who tells other servers of the sockets, with NATS.
    pub(super) who: Option<WhoHandle>,
    pub(super) replays: Arc<Replays>,
}

pub(super) struct SessionState {
    args: SessionArgs,
    handle: SessionHandle,
    /// Oldest first.
    sockets: Vec<SessionSocket>,
    /// The number of sockets that were ever attached, by which the registry knows whether another one is on its way.
    attached: u64,
    is_online: bool,
    /// Whether a `CheckConfirmed` is on its way.
    is_checking: bool,
    _alive: Alive,
}

impl Actor for SessionActor {
    type Msg = Timed<SessionMsg>;
    type State = SessionState;
    type Arguments = SessionArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        args: SessionArgs,
    ) -> Result<SessionState, ActorProcessingErr> {
        let handle = SessionHandle(Mailbox::new(myself, self.0.clone()));
        let alive = Alive::new(self.0.clone());
        Ok(SessionState {
            args,
            handle,
            sockets: Vec::new(),
            attached: 0,
            is_online: false,
            is_checking: false,
            _alive: alive,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut SessionState,
    ) -> Result<(), ActorProcessingErr> {
        let (message, _busy) = message.open(&self.0);
        #[cfg(feature = "testing")]
        self.0.kind().fault().suffer().await;
        match message {
            SessionMsg::Attach { socket, reply } => state.attach(socket, reply),
            SessionMsg::Detach(socket) => state.detach(socket),
            SessionMsg::Inbound { socket, command, context, credit } => state.submit(socket, command, context, credit),
            SessionMsg::Updates(updates) => updates.into_iter().for_each(|update| state.update(update)),
            SessionMsg::Failed(failed) => {
                let (origin, error) = *failed;
                state.with_socket(origin.socket, |socket| socket.refuse(origin, &error));
            }
            SessionMsg::Greet { socket, greeting } => {
                state.note_stamp(socket, greeting.stamp);
                state.with_socket(socket, |socket| socket.greet(greeting));
            }
            SessionMsg::Page { socket, page } => state.with_socket(socket, |socket| socket.page(page)),
            SessionMsg::Recovered(event) => state.for_each_socket(|socket| socket.recovered(&event)),
            SessionMsg::Resync(why) => state.resync(why),
            SessionMsg::Ephemeral { socket: None, frame } => {
                state.for_each_socket(|socket| socket.send_ephemeral(&frame));
            }
            SessionMsg::Ephemeral { socket: Some(id), frame } => {
                state.with_socket(id, |socket| socket.send_presence(&frame));
            }
            SessionMsg::Typing { conversation, active, credit } => {
                state.args.presence.typing(state.args.user, conversation, active, credit);
            }
            SessionMsg::Watch { socket, users, credit } => state.watch(socket, users, credit),
            SessionMsg::CheckConfirmed => state.check_confirmed(),
            SessionMsg::ReportPresence => state.report_presence(),
            SessionMsg::EndLogins { logins, end } => {
                state.close(CloseReason::LoginEnded(end), |socket| logins.contains(&socket.login));
            }
            SessionMsg::Supersede { socket, reason } => state.supersede(socket, reason),
            SessionMsg::Close(end) => state.close(CloseReason::LoginEnded(end), |_| true),
            #[cfg(feature = "testing")]
            SessionMsg::Crash => super::mailbox::crash(),
        }
        Ok(())
    }
}

impl SessionState {
    fn attach(&mut self, socket: NewSocket, reply: oneshot::Sender<SocketLease>) {
        self.attached += 1;
        let id = socket.id;
        if let Some(opening) = &socket.opening {
            // A new socket of the same device replaces the old one, which may be dead after a change of networks.
            let is_same = |other: &SessionSocket| other.device.as_ref() == Some(&opening.device);
            if let Some(index) = self.sockets.iter().position(is_same) {
                self.end(index, CloseReason::Replaced);
            }
        }
        let stamp = socket.stamp;
        // Most users have one.
        self.sockets.reserve_exact(1);
        let viewer = Viewer { user: self.args.user };
        let socket = SessionSocket::new(socket, &self.handle, viewer, &self.args.replays);
        self.devices().opened(self.args.user, id, socket.who());
        self.sockets.push(socket);
        if self.sockets.len() > self.args.max_sockets {
            metrics().limiters.refused(Limiter::SocketsUser);
            self.end(0, CloseReason::TooMany);
        }
        self.note_stamp(id, stamp);
        self.update_presence();
        // When the handshake was given up, sending fails and returns the lease, whose drop detaches the socket.
        let _ = reply.send(SocketLease::new(self.handle.clone(), id));
    }

    /// Tells other servers of a socket that has its stamp now.
    fn note_stamp(&self, id: SocketId, stamp: Option<Stamp>) {
        let (Some(who), Some(stamp)) = (&self.args.who, stamp) else { return };
        if let Some(socket) = self.sockets.iter().find(|socket| socket.id == id) {
            let device = socket.device.as_ref().map(|device| device_hash(self.args.user, device));
            who.opened(self.args.user, id, stamp, Mark::new(device, socket.is_background));
        }
    }

    /// Closes a socket that must give way to another one, and forgets it.
    fn end(&mut self, index: usize, reason: CloseReason) {
        let mut socket = self.sockets.remove(index);
        socket.close(reason);
        if let Some(who) = &self.args.who {
            who.closed(self.args.user, socket.id);
        }
    }

    /// Closes a socket that must give way to one at another server.
    fn supersede(&mut self, socket: SocketId, reason: CloseReason) {
        if let Some(index) = self.sockets.iter().position(|other| other.id == socket) {
            self.end(index, reason);
            self.update_presence();
        }
    }

    fn detach(&mut self, socket: SocketId) {
        self.note_written();
        self.devices().closed(self.args.user, socket, self.args.replays.clock.now());
        self.sockets.retain(|other| other.id != socket);
        if let Some(who) = &self.args.who {
            who.closed(self.args.user, socket);
        }
        self.args.presence.unwatch(socket);
        self.update_presence();
        if self.sockets.is_empty() {
            self.args.registry.session_is_idle(self.args.user, self.handle.id(), self.attached);
        }
    }

    /// Hands a command of a socket to the writer.
    fn submit(&mut self, id: SocketId, command: Command, context: Context, credit: Credit) {
        let mut socket = self.sockets.iter_mut().find(|socket| socket.id == id);
        if let (Command::Delivered { up_to, .. }, Some(socket)) = (&command, &mut socket) {
            socket.confirm(*up_to);
            self.args.replays.storage.devices().acknowledge(self.args.user, socket.who(), *up_to);
        }
        let ordinal = socket.map_or(0, SessionSocket::number_command);
        let origin = Origin { user: self.args.user, socket: id, ordinal, context, credit };
        self.args.persistence.submit(command, PendingReply::socket(self.handle.clone(), origin));
    }

    fn update(&mut self, update: Update) {
        match update {
            Update::Event { event, reply, read_at } => self.deliver(&event, reply, read_at),
            Update::Answer(reply) => {
                let socket = reply.origin.socket;
                self.with_socket(socket, |socket| socket.answer(reply));
            }
        }
    }

    /// Gives the event to every socket in its dialect; a socket whose queue is full is forgotten.
    fn deliver(&mut self, event: &Arc<Event>, mut reply: Option<Reply>, read_at: Option<ReadAt>) {
        let user = self.args.user;
        let is_received = |message: &Message| message.receiver == user && message.sender != user;
        let read_at = read_at.filter(|_| matches!(&event.body, EventBody::Message(message) if is_received(message)));
        let (mut legacy, mut v1) = (0, 0);
        self.for_each_socket(|socket| {
            let own = reply.take_if(|reply| reply.origin.socket == socket.id);
            *(if socket.is_legacy() { &mut legacy } else { &mut v1 }) += 1;
            socket.event(event, own, read_at)
        });
        if let EventBody::Message(message) = &event.body {
            metrics().messages.queued(legacy, v1);
            let other = message.conversation().direct.partner_of(user);
            if is_received(message) {
                self.expect_confirmation(event.seq);
            }
            if self.sockets.iter().any(|socket| socket.watching.contains(&other)) {
                self.args.presence.met(user, other);
            }
        }
    }

    fn resync(&mut self, why: Resync) {
        let (replays, handle) = (self.args.replays.clone(), self.handle.clone());
        self.for_each_socket(|socket| socket.resync(&replays, &handle, why));
    }

    /// Calls `what` with every socket, and forgets those for which it returns false: they are being closed.
    fn for_each_socket(&mut self, mut what: impl FnMut(&mut SessionSocket) -> bool) {
        self.sockets.retain_mut(|socket| what(socket));
    }

    /// Calls `what` with one socket, if it is still here, and forgets it when that returns false.
    fn with_socket(&mut self, id: SocketId, what: impl FnOnce(&mut SessionSocket) -> bool) {
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

/// Returns by which number a device of a user is known between servers.
fn device_hash(user: UserId, device: &DeviceId) -> u64 {
    let named = [&user.0.to_be_bytes(), device.as_str().as_bytes()].concat();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &named);
    hash.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests;
