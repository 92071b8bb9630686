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
use crate::protocol::Frame;

/// How long a queue above its bound may stand still.
const GRACE: Duration = Duration::from_secs(1);
/// How far above its bound a queue may get at all.
const BURST: usize = 4;
/// Letters for which an emptied queue keeps its memory.
const SPARE: usize = 16;

/// Why the server closes a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The client does not read fast enough.
    SlowReader,
    /// The session actor has failed.
    Fault,
    /// The user has opened too many sockets; this is the oldest.
    TooMany,
    /// The login session has ended.
    LoginEnded(LoginEnd),
    /// The same device has opened another socket.
    Replaced,
    /// The server restarts.
    Restart,
    /// Nothing came back to a ping.
    NoPong,
    /// Too many bad frames.
    Policy,
}

impl CloseReason {
    /// The close code (RFC 6455 §7.4; 1012 and 1013 from the IANA registry; 4000 and up are our own) and its text.
    #[must_use]
    pub const fn code_and_text(self) -> (u16, &'static str) {
        match self {
            Self::SlowReader => (1013, "reading too slowly"),
            Self::Fault => (1011, "server fault"),
            Self::TooMany => (4002, "too many sockets"),
            Self::LoginEnded(end) => (4001, end.as_str()),
            Self::Replaced => (4003, "replaced by the same device"),
            Self::Restart => (1012, "restart"),
            Self::NoPong => (1001, "no pong"),
            Self::Policy => (1008, "too many bad frames"),
        }
    }
}

/// Why a login session has ended, as the text of a 4001.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginEnd {
    /// Its owner has logged out.
    Logout,
    /// Ended from another session or for a newer one, expired, or a spent refresh token came back.
    Revoked,
    /// The password was changed.
    Password,
    /// The account is gone.
    Deleted,
}

impl LoginEnd {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::Password => "password",
            Self::Deleted => "deleted",
        }
    }
}

/// A frame on its way to the client, and what hangs on its being written.
#[derive(Debug)]
pub struct Letter {
    /// What to write.
    pub frame: Frame,
    /// The credit of the message that this answers; drop it when the frame is written.
    pub credit: Option<Credit>,
    /// Whether it tells the client that it has sent something wrong.
    pub is_complaint: bool,
    /// What waits for a replay's page to be written; drop it when the frame is written.
    pub turn: Option<OwnedSemaphorePermit>,
}

impl From<Frame> for Letter {
    fn from(frame: Frame) -> Self {
        Self { frame, credit: None, is_complaint: false, turn: None }
    }
}

/// What the pump has to do next.
#[derive(Debug)]
pub enum Outgoing {
    /// Write this.
    Letter(Letter),
    /// Close now; what is still queued is dropped.
    Close(CloseReason),
}

/// What both ends share. An empty queue has no memory of its own: most sockets are idle.
struct Queue {
    letters: VecDeque<Letter>,
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

/// The session's end.
pub(crate) struct OutboxSender {
    queue: Shared,
    max_frames: usize,
    max_bytes: usize,
}

/// The pump's end.
pub struct Outbox(Shared);

/// The session's end, to be handed over with the socket.
pub struct OutboxEnd(pub(super) OutboxSender);

#[cfg(test)]
impl OutboxEnd {
    /// Queues a frame, as a session does.
    pub(crate) fn put(&mut self, letter: Letter) -> bool {
        self.0.push(letter)
    }
}

/// A queue of `max_frames` and `max_bytes`.
#[must_use]
pub fn outbox(max_frames: usize, max_bytes: usize) -> (OutboxEnd, Outbox) {
    let queue = Arc::new(Mutex::new(Queue {
        letters: VecDeque::new(),
        bytes: 0,
        moved_at: Instant::now(),
        reason: None,
        is_closed: false,
        pump: None,
    }));
    (OutboxEnd(OutboxSender { queue: queue.clone(), max_frames, max_bytes }), Outbox(queue))
}

impl OutboxSender {
    /// Queues a frame. False when the queue is too full or the pump has gone: the socket is being closed.
    pub(super) fn push(&mut self, letter: Letter) -> bool {
        let mut queue = lock(&self.queue);
        if queue.is_closed {
            return false;
        }
        let (frames, bytes) = (queue.letters.len() + 1, queue.bytes + letter.frame.len());
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
        queue.letters.push_back(letter);
        queue.wake();
        true
    }

    /// Queues a frame that nobody misses, unless the queue is half full. False when the socket is being closed.
    pub(super) fn push_if_roomy(&mut self, frame: Frame) -> bool {
        let is_roomy = {
            let queue = lock(&self.queue);
            queue.letters.len() < self.max_frames / 2 && queue.bytes < self.max_bytes / 2
        };
        !is_roomy || self.push(frame.into())
    }

    /// Tells the pump to close. The first reason stands.
    pub(super) fn close(&mut self, reason: CloseReason) {
        lock(&self.queue).close(reason);
    }
}

impl Drop for OutboxSender {
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

    fn take(&mut self) -> Option<Letter> {
        let letter = self.letters.pop_front()?;
        self.bytes -= letter.frame.len();
        self.moved_at = Instant::now();
        if self.letters.is_empty() && self.letters.capacity() > SPARE {
            self.letters = VecDeque::new();
        }
        Some(letter)
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

impl Outbox {
    /// The next thing to do. Cancel-safe. A session that ended without a word gives [`CloseReason::Fault`].
    pub async fn next(&mut self) -> Outgoing {
        poll_fn(|cx| {
            let mut queue = lock(&self.0);
            let close = queue.reason.take().map(Outgoing::Close);
            let next = close.or_else(|| queue.take().map(Outgoing::Letter));
            queue.poll(cx, next)
        })
        .await
    }

    /// A frame that is queued already.
    pub fn try_next(&mut self) -> Option<Letter> {
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

impl Drop for Outbox {
    fn drop(&mut self) {
        let letters = {
            let mut queue = lock(&self.0);
            queue.is_closed = true;
            std::mem::take(&mut queue.letters)
        };
        // Gives back their credit, which may wake others: not under the lock.
        drop(letters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{FrameError, legacy};

    fn letter() -> Letter {
        legacy::error(&FrameError::unavailable(1)).into()
    }

    fn pushes(sender: &mut OutboxSender, count: usize) -> bool {
        (0..count).all(|_| sender.push(letter()))
    }

    /// Makes the queue look as if nothing had moved for longer than the grace time.
    fn stand_still(sender: &OutboxSender) {
        lock(&sender.queue).moved_at = Instant::now().checked_sub(GRACE * 2).unwrap();
    }

    #[tokio::test]
    async fn a_full_queue_that_stands_still_closes_with_1013() {
        let (OutboxEnd(mut sender), mut outbox) = super::outbox(2, 1 << 20);
        assert!(pushes(&mut sender, 2));
        stand_still(&sender);
        assert!(!pushes(&mut sender, 1));
        assert!(matches!(outbox.next().await, Outgoing::Close(CloseReason::SlowReader)));
    }

    #[tokio::test]
    async fn one_big_frame_passes_a_queue_that_was_idle() {
        let (OutboxEnd(mut sender), mut outbox) = super::outbox(2, letter().frame.len() / 2);
        stand_still(&sender);
        assert!(pushes(&mut sender, 1));
        assert!(matches!(outbox.next().await, Outgoing::Letter(_)));
    }

    #[tokio::test]
    async fn a_burst_passes_up_to_four_times_the_bound() {
        let (OutboxEnd(mut by_frames), _outbox) = super::outbox(2, 1 << 20);
        assert!(pushes(&mut by_frames, 8) && !pushes(&mut by_frames, 1));
        let (OutboxEnd(mut by_bytes), _outbox) = super::outbox(100, letter().frame.len());
        assert!(pushes(&mut by_bytes, 4) && !pushes(&mut by_bytes, 1));
    }

    #[tokio::test]
    async fn what_is_taken_out_makes_room() {
        let (OutboxEnd(mut sender), mut outbox) = super::outbox(1, 1 << 20);
        for _ in 0..20 {
            assert!(pushes(&mut sender, 4));
            assert!((0..3).all(|_| outbox.try_next().is_some()));
            assert!(matches!(outbox.next().await, Outgoing::Letter(_)));
        }
        assert!(outbox.try_next().is_none());
    }

    #[tokio::test]
    async fn a_session_that_vanishes_is_a_fault() {
        let (end, mut outbox) = super::outbox(2, 1 << 20);
        drop(end);
        assert!(matches!(outbox.next().await, Outgoing::Close(CloseReason::Fault)));
    }

    #[tokio::test]
    async fn the_first_reason_stands_and_comes_before_what_is_queued() {
        let (OutboxEnd(mut sender), mut outbox) = super::outbox(2, 1 << 20);
        assert!(pushes(&mut sender, 1));
        sender.close(CloseReason::Replaced);
        sender.close(CloseReason::TooMany);
        assert!(!pushes(&mut sender, 1));
        drop(sender);
        assert_eq!(outbox.closed().await, CloseReason::Replaced);
    }

    #[tokio::test]
    async fn what_comes_later_wakes_the_pump() {
        let (OutboxEnd(mut sender), mut outbox) = super::outbox(2, 1 << 20);
        let pump = tokio::spawn(async move {
            let first = outbox.next().await;
            (first, outbox.next().await)
        });
        tokio::task::yield_now().await;
        assert!(pushes(&mut sender, 1));
        tokio::task::yield_now().await;
        drop(sender);
        let (first, second) = pump.await.unwrap();
        assert!(matches!(first, Outgoing::Letter(_)) && matches!(second, Outgoing::Close(CloseReason::Fault)));
    }

    #[tokio::test]
    async fn a_pump_that_leaves_gives_back_all_credit() {
        let (OutboxEnd(mut sender), outbox) = super::outbox(2, 1 << 20);
        let credits = crate::actors::Credits::new(1, 1, crate::actors::InFlightBytes::new(1));
        assert!(sender.push(Letter { credit: Some(credits.reserve().await), ..letter() }));
        drop(outbox);
        credits.settled().await;
        assert!(!pushes(&mut sender, 1));
    }
}
