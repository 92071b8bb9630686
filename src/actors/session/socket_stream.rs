//! The stream of one socket in either dialect.

use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;

use super::messages::{Resync, SessionHandle};
use super::new_socket::Opening;
use super::origin::{Origin, Reply};
use super::replay::Replays;
use super::send_queue::{QueueSender, QueuedFrame};
use super::stream::{Greeting, PageInHand, Stream};
use crate::domain::{Event, EventBody, Seq, SocketId, Viewer};
use crate::protocol::{CloseReason, FrameError, legacy, v1};
use crate::telemetry::ReadAt;

/// The stream of a socket in its dialect. Methods that push frames return false when the socket is being closed.
#[expect(
    clippy::large_enum_variant,
    reason = "one a socket, most of them V1; a box would be one more step for each event"
)]
pub(super) enum SocketStream {
    /// Shows messages that are committed while it is open, and nothing else. It cannot resume.
    Legacy { viewer: Viewer, above: Seq },
    /// Shows every event in order, from a cursor on.
    V1 {
        stream: Stream,
        /// The task that reads missed events, until the socket has caught up.
        replay: Option<AbortOnDropHandle<()>>,
    },
}

impl SocketStream {
    pub(super) fn open(
        (opening, above): (Option<Opening>, Seq),
        session: &SessionHandle,
        viewer: Viewer,
        socket: SocketId,
        replays: &Arc<Replays>,
    ) -> Self {
        match opening {
            None => Self::Legacy { viewer, above },
            Some(opening) => Self::V1 {
                stream: Stream::new(viewer, replays.seam, replays.tokens.clone()),
                replay: Some(replays.open(session.clone(), viewer, socket, opening)),
            },
        }
    }

    /// Returns the number of the socket's next command.
    pub(super) fn number_command(&mut self) -> u64 {
        match self {
            Self::Legacy { .. } => 0,
            Self::V1 { stream, .. } => stream.number_command(),
        }
    }

    /// Shows an event. The delivery of what was read at `read_at` is timed, unless the socket is catching up.
    pub(super) fn event(
        &mut self,
        queue: &mut QueueSender,
        event: &Arc<Event>,
        reply: Option<Reply>,
        read_at: Option<ReadAt>,
    ) -> bool {
        match self {
            Self::Legacy { above, .. } if event.seq <= *above => true,
            Self::Legacy { viewer, .. } => {
                let EventBody::Message(message) = &event.body else { return true };
                let Some(frame) = legacy::message(message, *viewer) else { return true };
                let credit = reply.map(|reply| reply.origin.credit);
                queue.push(QueuedFrame { credit, read_at, ..QueuedFrame::from(frame) })
            }
            Self::V1 { stream, replay } => {
                let mut frames = stream.event(event, reply);
                if let Some(frame) = frames.last_mut().filter(|_| stream.is_live()) {
                    frame.read_at = read_at;
                }
                push_all(stream, replay, queue, frames)
            }
        }
    }

    pub(super) fn answer(&mut self, queue: &mut QueueSender, reply: Reply) -> bool {
        match self {
            Self::Legacy { .. } => true,
            Self::V1 { stream, replay } => {
                let frames = stream.answer(reply);
                push_all(stream, replay, queue, frames)
            }
        }
    }

    pub(super) fn refuse(&mut self, queue: &mut QueueSender, origin: Origin, error: &FrameError) -> bool {
        match self {
            Self::Legacy { .. } => {
                let is_frame_error = !error.code.is_retryable();
                let frame = QueuedFrame::from(legacy::error(error));
                queue.push(QueuedFrame { credit: Some(origin.credit), is_frame_error, ..frame })
            }
            Self::V1 { stream, replay } => {
                // A refused command does not count as a bad frame: when a partner leaves, a client's whole outbox may
                // be refused.
                let frame = QueuedFrame::from(v1::error(error, &origin.context));
                let frames = stream.refused(origin.ordinal);
                let first = QueuedFrame { credit: Some(origin.credit), ..frame };
                push_all(stream, replay, queue, [first].into_iter().chain(frames))
            }
        }
    }

    pub(super) fn greet(&mut self, queue: &mut QueueSender, greeting: Greeting) -> bool {
        match self {
            Self::Legacy { .. } => true,
            Self::V1 { stream, replay } => {
                stream.begin(greeting.epoch, greeting.since);
                push_all(stream, replay, queue, greeting.frames.into_iter().map(QueuedFrame::from))
            }
        }
    }

    pub(super) fn page(&mut self, queue: &mut QueueSender, page: PageInHand) -> bool {
        match self {
            Self::Legacy { .. } => true,
            Self::V1 { stream, replay } => {
                let frames = stream.page(page);
                push_all(stream, replay, queue, frames)
            }
        }
    }

    pub(super) fn recovered(&mut self, queue: &mut QueueSender, event: &Arc<Event>) -> bool {
        match self {
            Self::Legacy { .. } => self.event(queue, event, None, None),
            // It reads the message from the store, in its order.
            Self::V1 { .. } => true,
        }
    }

    /// Brings the socket up to date from the store. Returns the reason for closing it when that cannot be done.
    pub(super) fn resync(
        &mut self,
        replays: &Arc<Replays>,
        session: &SessionHandle,
        socket: SocketId,
        why: Resync,
    ) -> Result<(), CloseReason> {
        match self {
            _ if why == Resync::NewHistory => Err(CloseReason::Restart),
            Self::Legacy { .. } if why == Resync::InDoubt => Ok(()),
            Self::Legacy { .. } => Err(CloseReason::Restart),
            Self::V1 { stream, .. } if why == (Resync::Missed { answers_lost: true }) && stream.waits_for_answers() => {
                Err(CloseReason::Fault)
            }
            Self::V1 { stream, replay } => {
                if let Some(since) = stream.fall_behind() {
                    *replay = Some(replays.resume(session.clone(), stream.viewer(), socket, since));
                }
                Ok(())
            }
        }
    }

    /// Returns whether the socket speaks the legacy dialect.
    pub(super) fn is_legacy(&self) -> bool {
        matches!(self, Self::Legacy { .. })
    }

    /// Returns whether commands of the socket wait for the writer: then it may not be read, and what it says not be
    /// heard.
    pub(super) fn waits_for_writer(&self) -> bool {
        matches!(self, Self::V1 { stream, .. } if stream.waits_for_writer())
    }

    /// Returns whether the socket takes frames that may be lost: not in the legacy dialect, nor while it catches up.
    pub(super) fn takes_ephemeral(&self) -> bool {
        matches!(self, Self::V1 { stream, .. } if stream.is_live())
    }
}

/// Queues frames, and ends the replay of a stream that has caught up.
fn push_all(
    stream: &Stream,
    replay: &mut Option<AbortOnDropHandle<()>>,
    queue: &mut QueueSender,
    frames: impl IntoIterator<Item = QueuedFrame>,
) -> bool {
    let is_open = frames.into_iter().all(|frame| queue.push(frame));
    if stream.is_live() {
        *replay = None;
    }
    is_open
}
