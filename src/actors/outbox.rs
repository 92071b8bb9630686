//! The queue of one socket, from its session to its pump.
//!
//! Bound: frames and bytes, above which the socket is closed with 1013 when nothing was taken out for [`GRACE`], and four times
//! as many in any case: a burst does not close a client that reads. The queue is dropped then: the store has everything, and the
//! client comes back for it. Nobody ever waits for a slow reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::credit::Credit;
use crate::protocol::Frame;

/// How long a queue above its bound may stand still.
const GRACE: Duration = Duration::from_secs(1);
/// How far above its bound a queue may get at all.
const BURST: usize = 4;

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
    /// Ended from another session, or because a spent refresh token came back.
    Revoked,
    /// The password was changed from another session.
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

/// How full a queue is, known to both ends.
#[derive(Debug)]
struct Level {
    frames: AtomicUsize,
    bytes: AtomicUsize,
    /// When something was last taken out or put into the empty queue, in milliseconds since `since`.
    moved_ms: AtomicU64,
    since: Instant,
}

impl Level {
    fn new() -> Self {
        Self { frames: 0.into(), bytes: 0.into(), moved_ms: 0.into(), since: Instant::now() }
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn moved(&self) {
        self.moved_ms.store(self.elapsed_ms(), Ordering::Relaxed);
    }

    fn stands_still(&self) -> bool {
        Duration::from_millis(self.elapsed_ms().saturating_sub(self.moved_ms.load(Ordering::Relaxed))) > GRACE
    }
}

/// The session's end.
pub(crate) struct OutboxSender {
    letters: mpsc::Sender<Letter>,
    close: Option<oneshot::Sender<CloseReason>>,
    level: Arc<Level>,
    max_frames: usize,
    max_bytes: usize,
}

/// The pump's end.
pub struct Outbox {
    letters: mpsc::Receiver<Letter>,
    close: CloseSignal,
    level: Arc<Level>,
}

/// The session's end, to be handed over with the socket.
pub struct OutboxEnd(pub(super) OutboxSender);

/// A queue of `max_frames` and `max_bytes`.
#[must_use]
pub fn outbox(max_frames: usize, max_bytes: usize) -> (OutboxEnd, Outbox) {
    let (letters_in, letters_out) = mpsc::channel(max_frames.saturating_mul(BURST));
    let (close_in, close_out) = oneshot::channel();
    let level = Arc::new(Level::new());
    let sender =
        OutboxSender { letters: letters_in, close: Some(close_in), level: level.clone(), max_frames, max_bytes };
    (OutboxEnd(sender), Outbox { letters: letters_out, close: CloseSignal(Some(close_out)), level })
}

impl OutboxSender {
    /// Queues a frame. False when the queue is too full or the pump has gone: the socket is being closed.
    pub(super) fn push(&mut self, letter: Letter) -> bool {
        let len = letter.frame.len();
        let frames = self.level.frames.fetch_add(1, Ordering::Relaxed) + 1;
        let bytes = self.level.bytes.fetch_add(len, Ordering::Relaxed) + len;
        if frames == 1 {
            self.level.moved();
        }
        let above = frames > self.max_frames || bytes > self.max_bytes;
        let too_full = bytes / BURST > self.max_bytes || (above && self.level.stands_still());
        if !too_full && self.letters.try_send(letter).is_ok() {
            return true;
        }
        self.close(CloseReason::SlowReader);
        false
    }

    /// Queues a frame that nobody misses, unless the queue is half full. False when the socket is being closed.
    pub(super) fn push_if_roomy(&mut self, frame: Frame) -> bool {
        let is_roomy = self.level.frames.load(Ordering::Relaxed) < self.max_frames / 2
            && self.level.bytes.load(Ordering::Relaxed) < self.max_bytes / 2;
        !is_roomy || self.push(frame.into())
    }

    /// Tells the pump to close. The first reason stands.
    pub(super) fn close(&mut self, reason: CloseReason) {
        if let Some(close) = self.close.take() {
            // An error means that the pump has gone already.
            let _ = close.send(reason);
        }
    }
}

/// The word to close, which comes once.
struct CloseSignal(Option<oneshot::Receiver<CloseReason>>);

impl CloseSignal {
    async fn wait(&mut self) -> CloseReason {
        match &mut self.0 {
            Some(signal) => {
                let reason = signal.await.unwrap_or(CloseReason::Fault);
                self.0 = None;
                reason
            }
            None => std::future::pending().await,
        }
    }
}

impl Outbox {
    /// The next thing to do. Cancel-safe. A session that ended without a word gives [`CloseReason::Fault`].
    pub async fn next(&mut self) -> Outgoing {
        tokio::select! {
            biased;
            reason = self.close.wait() => Outgoing::Close(reason),
            Some(letter) = self.letters.recv() => Outgoing::Letter(self.taken(letter)),
        }
    }

    /// A frame that is queued already.
    pub fn try_next(&mut self) -> Option<Letter> {
        let letter = self.letters.try_recv().ok()?;
        Some(self.taken(letter))
    }

    /// Why the session wants the socket closed; waits until it does, and says it once. Cancel-safe.
    pub async fn closed(&mut self) -> CloseReason {
        self.close.wait().await
    }

    fn taken(&self, letter: Letter) -> Letter {
        self.level.frames.fetch_sub(1, Ordering::Relaxed);
        self.level.bytes.fetch_sub(letter.frame.len(), Ordering::Relaxed);
        self.level.moved();
        letter
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
    fn stand_still(sender: &mut OutboxSender) {
        let past = GRACE * 2;
        let since = Instant::now().checked_sub(past).unwrap();
        let level = Level { since, ..Level::new() };
        level.frames.store(sender.level.frames.load(Ordering::Relaxed), Ordering::Relaxed);
        level.bytes.store(sender.level.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
        sender.level = Arc::new(level);
    }

    #[tokio::test]
    async fn a_full_queue_that_stands_still_closes_with_1013() {
        let (OutboxEnd(mut sender), mut outbox) = super::outbox(2, 1 << 20);
        assert!(pushes(&mut sender, 2));
        stand_still(&mut sender);
        assert!(!pushes(&mut sender, 1));
        assert!(matches!(outbox.next().await, Outgoing::Close(CloseReason::SlowReader)));
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
}
