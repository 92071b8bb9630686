//! The queue of one socket, from its session to its pump.
//!
//! Bound: frames and bytes, above which the socket is closed with 1013 when nothing was taken out for [`GRACE`], and
//! four times as many in any case: a burst does not close a client that reads. The queue is dropped then: the store has
//! all events, and the client reconnects and resumes. The server never waits for a slow reader.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;

use super::credit::Credit;
use super::figures::QueueFigures;
use crate::protocol::{CloseReason, Frame};
use crate::telemetry::{Ephemeral, ReadAt, metrics};

/// How long a queue above its bound may stand still.
const GRACE: Duration = Duration::from_secs(1);
/// How many times its bound a queue may hold during a burst.
const BURST: usize = 4;
/// Frames for which an emptied queue keeps its memory.
const SPARE: usize = 16;

/// A frame on its way to the client, with the permits that are given back when it is written.
#[derive(Debug)]
pub struct QueuedFrame {
    /// The frame to write.
    pub frame: Frame,
    /// The credit of the command to which this is the reply, dropped when the frame is written.
    pub credit: Option<Credit>,
    /// Whether it is the error for a bad frame, of which only so many are allowed.
    pub is_frame_error: bool,
    /// When the message in it was read from its sender's socket, on its way to a receiver.
    pub read_at: Option<ReadAt>,
    /// The permit of the page, on the page's last frame. Dropped when the frame is written, it lets the next page be
    /// read.
    pub page_permit: Option<OwnedSemaphorePermit>,
}

impl From<Frame> for QueuedFrame {
    fn from(frame: Frame) -> Self {
        Self { frame, credit: None, is_frame_error: false, read_at: None, page_permit: None }
    }
}

/// The next task of the pump.
#[derive(Debug)]
pub enum Outgoing {
    /// Write this.
    Frame(QueuedFrame),
    /// Close now; what is still queued is dropped.
    Close(CloseReason),
}

/// The state that both ends share. An empty queue holds no memory: most sockets are idle.
struct Queue {
    frames: VecDeque<QueuedFrame>,
    bytes: usize,
    /// The time at which a frame was last taken out, or put into the empty queue.
    moved_at: Instant,
    /// The reason to close the socket, until the pump has taken it.
    reason: Option<CloseReason>,
    /// Whether the pump has ended while frames were queued.
    was_cut: bool,
    /// Whether no more frames are accepted: the socket is to be closed, or one end was dropped.
    is_closed: bool,
    pump: Option<Waker>,
}

type Shared = Arc<Mutex<Queue>>;

fn lock(queue: &Shared) -> MutexGuard<'_, Queue> {
    // Counters and a list, whole after any panic.
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The session's end, handed over with the socket.
pub struct QueueSender {
    queue: Shared,
    max_frames: usize,
    max_bytes: usize,
}

/// The pump's end.
pub struct SendQueue(Shared);

/// What others may do with a socket for as long as it is open.
#[derive(Clone)]
pub struct SocketHandle(Weak<Mutex<Queue>>);

impl SocketHandle {
    /// Returns the figures of its queue; `None` when the socket is closed.
    #[must_use]
    pub fn queue(&self) -> Option<QueueFigures> {
        let queue = self.0.upgrade()?;
        let queue = lock(&queue);
        let frames = queue.frames.len();
        let still_for = if frames == 0 { Duration::ZERO } else { queue.moved_at.elapsed() };
        Some(QueueFigures { frames, bytes: queue.bytes, still_for })
    }

    /// Makes the pump close the socket. The first reason counts.
    pub fn close(&self, reason: CloseReason) {
        if let Some(queue) = self.0.upgrade() {
            lock(&queue).close(reason);
        }
    }
}

#[cfg(test)]
impl QueueSender {
    /// Queues a frame, as a session does.
    pub(crate) fn put(&mut self, frame: QueuedFrame) -> bool {
        self.push(frame)
    }

    /// Closes the socket, as a session does.
    pub(crate) fn end(&mut self, reason: CloseReason) {
        self.close(reason);
    }
}

/// Makes a queue of `max_frames` frames and `max_bytes` bytes.
#[must_use]
pub fn send_queue(max_frames: usize, max_bytes: usize) -> (QueueSender, SendQueue) {
    let queue = Arc::new(Mutex::new(Queue {
        frames: VecDeque::new(),
        bytes: 0,
        moved_at: Instant::now(),
        reason: None,
        was_cut: false,
        is_closed: false,
        pump: None,
    }));
    (QueueSender { queue: queue.clone(), max_frames, max_bytes }, SendQueue(queue))
}

impl QueueSender {
    /// Queues a frame. Returns false when the queue is too full or the pump has gone: the socket is being closed.
    pub(in crate::actors) fn push(&mut self, frame: QueuedFrame) -> bool {
        let mut queue = lock(&self.queue);
        if queue.is_closed {
            return false;
        }
        let (frames, bytes) = (queue.frames.len() + 1, queue.bytes + frame.frame.len());
        if frames == 1 {
            // An empty queue does not stand still.
            queue.moved_at = Instant::now();
        }
        let above = frames > self.max_frames || bytes > self.max_bytes;
        let far_above = frames.div_ceil(BURST) > self.max_frames || bytes / BURST > self.max_bytes;
        if far_above || (above && queue.moved_at.elapsed() > GRACE) {
            return queue.close(CloseReason::SlowReader);
        }
        queue.bytes = bytes;
        queue.frames.push_back(frame);
        queue.wake();
        true
    }

    /// Queues a frame that may be lost, unless the queue is half full. Returns false when the socket is being closed.
    pub(in crate::actors) fn push_if_roomy(&mut self, kind: Ephemeral, frame: Frame) -> bool {
        let is_roomy = {
            let queue = lock(&self.queue);
            queue.frames.len() < self.max_frames / 2 && queue.bytes < self.max_bytes / 2
        };
        if !is_roomy {
            metrics().messages.lost(kind);
            return true;
        }
        self.push(frame.into())
    }

    /// Returns whether the pump has taken all frames, to write them.
    pub(in crate::actors) fn is_written(&self) -> bool {
        let queue = lock(&self.queue);
        queue.frames.is_empty() && !queue.was_cut
    }

    /// Makes the pump close the socket. The first reason counts.
    pub(in crate::actors) fn close(&mut self, reason: CloseReason) {
        lock(&self.queue).close(reason);
    }
}

impl Drop for QueueSender {
    fn drop(&mut self) {
        // If there was no reason before, the session has failed.
        self.close(CloseReason::Fault);
    }
}

impl Queue {
    /// Returns false, as `push` does for a frame that could not be queued.
    fn close(&mut self, reason: CloseReason) -> bool {
        if !std::mem::replace(&mut self.is_closed, true) {
            self.reason = Some(reason);
            self.wake();
        }
        false
    }

    fn wake(&mut self) {
        if let Some(pump) = self.pump.take() {
            pump.wake();
        }
    }

    fn take(&mut self) -> Option<QueuedFrame> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.frame.len();
        if !self.frames.is_empty() {
            self.moved_at = Instant::now();
        } else if self.frames.capacity() > SPARE {
            self.frames = VecDeque::new();
        }
        Some(frame)
    }

    /// Returns `something` if it is there, and otherwise registers the pump's waker.
    fn poll<T>(&mut self, cx: &mut Context<'_>, something: Option<T>) -> Poll<T> {
        if let Some(something) = something {
            return Poll::Ready(something);
        }
        match &mut self.pump {
            Some(pump) => pump.clone_from(cx.waker()),
            None => self.pump = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl SendQueue {
    /// Returns what others may do with the socket.
    #[must_use]
    pub fn handle(&self) -> SocketHandle {
        SocketHandle(Arc::downgrade(&self.0))
    }

    /// Waits for the next task. Cancel-safe. A session that ended without a reason gives [`CloseReason::Fault`].
    pub async fn next(&mut self) -> Outgoing {
        poll_fn(|cx| {
            let mut queue = lock(&self.0);
            let close = queue.reason.take().map(Outgoing::Close);
            let next = close.or_else(|| queue.take().map(Outgoing::Frame));
            queue.poll(cx, next)
        })
        .await
    }

    /// Returns how many frames are queued.
    #[must_use]
    pub fn queued(&self) -> usize {
        lock(&self.0).frames.len()
    }

    /// Returns the next frame if one is queued already.
    pub fn try_next(&mut self) -> Option<QueuedFrame> {
        lock(&self.0).take()
    }

    /// Waits until the session wants the socket closed, and returns the reason once. Cancel-safe.
    pub async fn closed(&mut self) -> CloseReason {
        poll_fn(|cx| {
            let mut queue = lock(&self.0);
            let reason = queue.reason.take();
            queue.poll(cx, reason)
        })
        .await
    }
}

impl Drop for SendQueue {
    fn drop(&mut self) {
        let frames = {
            let mut queue = lock(&self.0);
            queue.is_closed = true;
            queue.was_cut = !queue.frames.is_empty();
            std::mem::take(&mut queue.frames)
        };
        // Dropped without the lock, since their credit wakes other tasks.
        drop(frames);
    }
}

#[cfg(test)]
mod tests;
