//! The queue of one socket, from its session to its pump.
//!
//! Bound: frames and bytes, above which the socket is closed with 1013 when nothing was taken out for [`GRACE`], and four times
//! as many in any case: a burst does not close a client that reads. The queue is dropped then: the store has everything, and the
//! client comes back for it. Nobody ever waits for a slow reader.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;

use super::credit::Credit;
use crate::protocol::{CloseReason, Frame};

/// How long a queue above its bound may stand still.
const GRACE: Duration = Duration::from_secs(1);
/// How far above its bound a queue may get at all.
const BURST: usize = 4;
/// Letters for which an emptied queue keeps its memory.
const SPARE: usize = 16;

/// A frame on its way to the client, and what hangs on its being written.
#[derive(Debug)]
pub struct QueuedFrame {
    /// What to write.
    pub frame: Frame,
    /// The credit of the message that this answers; drop it when the frame is written.
    pub credit: Option<Credit>,
    /// Whether it tells the client that it has sent something wrong.
    pub is_frame_error: bool,
    /// What waits for a replay's page to be written; drop it when the frame is written.
    pub page_permit: Option<OwnedSemaphorePermit>,
}

impl From<Frame> for QueuedFrame {
    fn from(frame: Frame) -> Self {
        Self { frame, credit: None, is_frame_error: false, page_permit: None }
    }
}

/// What the pump has to do next.
#[derive(Debug)]
pub enum Outgoing {
    /// Write this.
    Frame(QueuedFrame),
    /// Close now; what is still queued is dropped.
    Close(CloseReason),
}

/// What both ends share. An empty queue has no memory of its own: most sockets are idle.
struct Queue {
    frames: VecDeque<QueuedFrame>,
    bytes: usize,
    /// When something was last taken out or put into the empty queue.
    moved_at: Instant,
    /// Why the socket is to be closed, until the pump has heard it.
    reason: Option<CloseReason>,
    /// Nothing comes any more: a reason was given, or one end has gone.
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

#[cfg(test)]
impl QueueSender {
    /// Queues a frame, as a session does.
    pub(crate) fn put(&mut self, frame: QueuedFrame) -> bool {
        self.push(frame)
    }
}

/// A queue of `max_frames` and `max_bytes`.
#[must_use]
pub fn send_queue(max_frames: usize, max_bytes: usize) -> (QueueSender, SendQueue) {
    let queue = Arc::new(Mutex::new(Queue {
        frames: VecDeque::new(),
        bytes: 0,
        moved_at: Instant::now(),
        reason: None,
        is_closed: false,
        pump: None,
    }));
    (QueueSender { queue: queue.clone(), max_frames, max_bytes }, SendQueue(queue))
}

impl QueueSender {
    /// Queues a frame. False when the queue is too full or the pump has gone: the socket is being closed.
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

    /// Queues a frame that nobody misses, unless the queue is half full. False when the socket is being closed.
    pub(in crate::actors) fn push_if_roomy(&mut self, frame: Frame) -> bool {
        let is_roomy = {
            let queue = lock(&self.queue);
            queue.frames.len() < self.max_frames / 2 && queue.bytes < self.max_bytes / 2
        };
        !is_roomy || self.push(frame.into())
    }

    /// Tells the pump to close. The first reason stands.
    pub(in crate::actors) fn close(&mut self, reason: CloseReason) {
        lock(&self.queue).close(reason);
    }
}

impl Drop for QueueSender {
    fn drop(&mut self) {
        // Unless there was a word before, the session has failed.
        self.close(CloseReason::Fault);
    }
}

impl Queue {
    /// Always false, as the answer to what could not be queued.
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
        self.moved_at = Instant::now();
        if self.frames.is_empty() && self.frames.capacity() > SPARE {
            self.frames = VecDeque::new();
        }
        Some(frame)
    }

    /// Waits unless there is something.
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
    /// The next thing to do. Cancel-safe. A session that ended without a word gives [`CloseReason::Fault`].
    pub async fn next(&mut self) -> Outgoing {
        poll_fn(|cx| {
            let mut queue = lock(&self.0);
            let close = queue.reason.take().map(Outgoing::Close);
            let next = close.or_else(|| queue.take().map(Outgoing::Frame));
            queue.poll(cx, next)
        })
        .await
    }

    /// A frame that is queued already.
    pub fn try_next(&mut self) -> Option<QueuedFrame> {
        lock(&self.0).take()
    }

    /// Why the session wants the socket closed; waits until it does, and says it once. Cancel-safe.
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
            std::mem::take(&mut queue.frames)
        };
        // Gives back their credit, which may wake others: not under the lock.
        drop(frames);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{FrameError, legacy};

    fn frame() -> QueuedFrame {
        legacy::error(&FrameError::unavailable(1)).into()
    }

    fn pushes(sender: &mut QueueSender, count: usize) -> bool {
        (0..count).all(|_| sender.push(frame()))
    }

    /// Makes the queue look as if nothing had moved for longer than the grace time.
    fn stand_still(sender: &QueueSender) {
        lock(&sender.queue).moved_at = Instant::now().checked_sub(GRACE * 2).unwrap();
    }

    #[tokio::test]
    async fn a_full_queue_that_stands_still_closes_with_1013() {
        let (mut sender, mut queue) = send_queue(2, 1 << 20);
        assert!(pushes(&mut sender, 2));
        stand_still(&sender);
        assert!(!pushes(&mut sender, 1));
        assert!(matches!(queue.next().await, Outgoing::Close(CloseReason::SlowReader)));
    }

    #[tokio::test]
    async fn one_big_frame_passes_a_queue_that_was_idle() {
        let (mut sender, mut queue) = send_queue(2, frame().frame.len() / 2);
        stand_still(&sender);
        assert!(pushes(&mut sender, 1));
        assert!(matches!(queue.next().await, Outgoing::Frame(_)));
    }

    #[tokio::test]
    async fn a_burst_passes_up_to_four_times_the_bound() {
        let (mut by_frames, _outbox) = send_queue(2, 1 << 20);
        assert!(pushes(&mut by_frames, 8) && !pushes(&mut by_frames, 1));
        let (mut by_bytes, _outbox) = send_queue(100, frame().frame.len());
        assert!(pushes(&mut by_bytes, 4) && !pushes(&mut by_bytes, 1));
    }

    #[tokio::test]
    async fn what_is_taken_out_makes_room() {
        let (mut sender, mut queue) = send_queue(1, 1 << 20);
        for _ in 0..20 {
            assert!(pushes(&mut sender, 4));
            assert!((0..3).all(|_| queue.try_next().is_some()));
            assert!(matches!(queue.next().await, Outgoing::Frame(_)));
        }
        assert!(queue.try_next().is_none());
    }

    #[tokio::test]
    async fn a_session_that_vanishes_is_a_fault() {
        let (end, mut queue) = send_queue(2, 1 << 20);
        drop(end);
        assert!(matches!(queue.next().await, Outgoing::Close(CloseReason::Fault)));
    }

    #[tokio::test]
    async fn the_first_reason_stands_and_comes_before_what_is_queued() {
        let (mut sender, mut queue) = send_queue(2, 1 << 20);
        assert!(pushes(&mut sender, 1));
        sender.close(CloseReason::Replaced);
        sender.close(CloseReason::TooMany);
        assert!(!pushes(&mut sender, 1));
        drop(sender);
        assert_eq!(queue.closed().await, CloseReason::Replaced);
    }

    #[tokio::test]
    async fn what_comes_later_wakes_the_pump() {
        let (mut sender, mut queue) = send_queue(2, 1 << 20);
        let pump = tokio::spawn(async move {
            let first = queue.next().await;
            (first, queue.next().await)
        });
        tokio::task::yield_now().await;
        assert!(pushes(&mut sender, 1));
        tokio::task::yield_now().await;
        drop(sender);
        let (first, second) = pump.await.unwrap();
        assert!(matches!(first, Outgoing::Frame(_)) && matches!(second, Outgoing::Close(CloseReason::Fault)));
    }

    #[tokio::test]
    async fn a_pump_that_leaves_gives_back_all_credit() {
        let (mut sender, queue) = send_queue(2, 1 << 20);
        let credits = crate::actors::Credits::new(1, 1, crate::actors::InFlightBytes::new(1));
        assert!(sender.push(QueuedFrame { credit: Some(credits.reserve().await), ..frame() }));
        drop(queue);
        credits.settled().await;
        assert!(!pushes(&mut sender, 1));
    }
}
