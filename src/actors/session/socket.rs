//! A socket and its session: what the pump holds of the session, and what the session holds of the socket.

use std::sync::Arc;

use ractor::ActorRef;
use tokio_util::task::AbortOnDropHandle;

use super::SessionMsg;
use super::credit::Credit;
use super::replay::{Greeting, Opening, Replays};
use super::send_queue::{QueueSender, QueuedFrame};
use super::stream::{PageInHand, Stream};
use crate::actors::mailbox::{Timed, cast};
use crate::actors::persistence::reply::{Origin, Reply};
use crate::actors::presence::PresenceHandle;
use crate::domain::{Command, DeviceId, Event, EventBody, LoginId, SocketId, UserId};
use crate::protocol::CloseReason;
use crate::protocol::v1::{self, Context};
use crate::protocol::{Frame, FrameError, legacy};
use crate::telemetry::metrics;

/// A socket that is about to be opened.
pub struct NewSocket {
    /// Its id.
    pub id: SocketId,
    /// The login session it lives in.
    pub login: LoginId,
    /// Where its frames go.
    pub queue: QueueSender,
    /// What a `fluent.v1` client has said about itself; `None` in the legacy dialect.
    pub opening: Option<Opening>,
}

/// A socket's place in its session; dropped, it is given up.
pub struct SocketLease {
    session: ActorRef<Timed<SessionMsg>>,
    socket: SocketId,
    user: UserId,
    presence: PresenceHandle,
}

impl SocketLease {
    pub(in crate::actors) fn new(
        session: ActorRef<Timed<SessionMsg>>,
        socket: SocketId,
        user: UserId,
        presence: PresenceHandle,
    ) -> Self {
        Self { session, socket, user, presence }
    }

    /// Hands over a command from this socket. It is answered with what `context` names, once it is carried out or refused.
    pub fn submit(&self, command: Command, context: Context, credit: Credit) {
        cast(&self.session, SessionMsg::Inbound { socket: self.socket, command, context, credit });
    }

    /// The user is writing to somebody, or has stopped.
    pub fn typing(&self, to: UserId, active: bool, credit: Credit) {
        self.presence.typing(self.user, to, active, credit);
    }

    /// From now on this socket is told who of these users is online, and of nobody else.
    pub fn watch(&self, users: Vec<UserId>, credit: Credit) {
        cast(&self.session, SessionMsg::Watch { socket: self.socket, users, credit });
    }
}

impl Drop for SocketLease {
    fn drop(&mut self) {
        cast(&self.session, SessionMsg::Detach(self.socket));
    }
}

/// A socket as its session has it.
pub(in crate::actors) struct SessionSocket {
    pub(in crate::actors) id: SocketId,
    pub(in crate::actors) login: LoginId,
    pub(in crate::actors) device: Option<DeviceId>,
    pub(in crate::actors) is_background: bool,
    /// Whose presence it is told.
    pub(in crate::actors) watching: Vec<UserId>,
    queue: QueueSender,
    user: UserId,
    /// None in the legacy dialect.
    stream: Option<Stream>,
    replay: Option<AbortOnDropHandle<()>>,
}

impl SessionSocket {
    pub(in crate::actors) fn new(
        socket: NewSocket,
        session: &ActorRef<Timed<SessionMsg>>,
        user: UserId,
        replays: &Arc<Replays>,
    ) -> Self {
        let NewSocket { id, login, queue, opening } = socket;
        let device = opening.as_ref().map(|opening| opening.device.clone());
        let is_background = opening.as_ref().is_some_and(|opening| opening.is_background);
        let stream = opening.is_some().then(|| Stream::new(user, replays.seam));
        let replay = opening.map(|opening| replays.open(session.clone(), user, id, opening));
        Self { id, login, device, is_background, watching: Vec::new(), queue, user, stream, replay }
    }

    /// A number for its next command.
    pub(in crate::actors) fn command(&mut self) -> u64 {
        self.stream.as_mut().map_or(0, Stream::command)
    }

    /// False when the socket is being closed, as in all that follow.
    pub(in crate::actors) fn event(&mut self, event: &Arc<Event>, reply: Option<Reply>) -> bool {
        match &mut self.stream {
            Some(stream) => {
                let frames = stream.event(event, reply);
                self.push_all(frames)
            }
            None => match &event.body {
                EventBody::Message(message) => match legacy::message(message, self.user) {
                    Some(frame) => {
                        let credit = reply.map(|reply| reply.origin.credit);
                        self.queue.push(QueuedFrame { credit, ..QueuedFrame::from(frame) })
                    }
                    None => true,
                },
                _ => true,
            },
        }
    }

    pub(in crate::actors) fn answer(&mut self, reply: Reply) -> bool {
        let frames = self.stream.as_mut().map(|stream| stream.answer(reply)).unwrap_or_default();
        self.push_all(frames)
    }

    /// A command of this socket was refused.
    pub(in crate::actors) fn fail(&mut self, origin: Origin, error: &FrameError) -> bool {
        metrics().frame_error(error.code.as_str());
        let (frame, more, is_frame_error) = match &mut self.stream {
            // What was asked for in order is no bad frame: a whole queue may be refused when a partner leaves.
            Some(stream) => (v1::error(error, &origin.context), stream.refused(origin.ordinal), false),
            None => (legacy::error(error), Vec::new(), !error.code.is_retryable()),
        };
        let frame = QueuedFrame { credit: Some(origin.credit), is_frame_error, ..QueuedFrame::from(frame) };
        self.push_all([frame].into_iter().chain(more))
    }

    pub(in crate::actors) fn greet(&mut self, greeting: Greeting) -> bool {
        let Greeting { frames, epoch, since } = greeting;
        if let Some(stream) = &mut self.stream {
            stream.begin(epoch, since);
        }
        self.push_all(frames.into_iter().map(QueuedFrame::from))
    }

    pub(in crate::actors) fn page(&mut self, page: PageInHand) -> bool {
        let frames = self.stream.as_mut().map(|stream| stream.page(page)).unwrap_or_default();
        self.push_all(frames)
    }

    pub(in crate::actors) fn recovered(&mut self, event: &Arc<Event>) -> bool {
        self.stream.is_some() || self.event(event, None)
    }

    pub(in crate::actors) fn resync(&mut self, replays: &Arc<Replays>, session: &ActorRef<Timed<SessionMsg>>) -> bool {
        if let Some(since) = self.stream.as_mut().and_then(Stream::fall_behind) {
            self.replay = Some(replays.resume(session.clone(), self.user, self.id, since));
        }
        true
    }

    /// A frame that nobody misses, for sockets that have caught up.
    pub(in crate::actors) fn whisper(&mut self, frame: &Frame) -> bool {
        match &self.stream {
            Some(stream) if stream.is_live() => self.queue.push_if_roomy(frame.clone()),
            _ => true,
        }
    }

    /// A frame that this socket has asked for, and that nobody misses.
    pub(in crate::actors) fn tell(&mut self, frame: &Frame) -> bool {
        self.queue.push_if_roomy(frame.clone())
    }

    fn push_all(&mut self, frames: impl IntoIterator<Item = QueuedFrame>) -> bool {
        let is_open = frames.into_iter().all(|frame| self.queue.push(frame));
        if self.stream.as_ref().is_some_and(Stream::is_live) {
            self.replay = None;
        }
        is_open
    }

    pub(in crate::actors) fn close(&mut self, reason: CloseReason) {
        self.queue.close(reason);
    }
}

#[cfg(test)]
mod tests {
    use ractor::{Actor, ActorProcessingErr};

    use super::*;
    use crate::actors::mailbox::Slot;

    /// A session that does nothing.
    struct Nobody;

    impl Actor for Nobody {
        type Msg = Timed<SessionMsg>;
        type State = ();
        type Arguments = ();

        async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
            Ok(())
        }
    }

    impl SocketLease {
        /// A place in a session that does nothing.
        pub(crate) async fn to_nobody() -> Self {
            let (session, _) = Actor::spawn(None, Nobody, ()).await.unwrap();
            Self::new(session, SocketId(1), UserId(1), PresenceHandle(Slot::empty()))
        }
    }
}
