//! The queue of one socket, from its session to its pump.
//!
//! Bound: frames and bytes. At the bound the socket is closed with 1013 and its queue is dropped: the store has everything,
//! and the client comes back for it. Nobody ever waits for a slow reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, oneshot};

use crate::protocol::Frame;

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
}

impl LoginEnd {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::Password => "password",
        }
    }
}

/// What the pump has to do next.
#[derive(Debug)]
pub enum Outgoing {
    /// Write this.
    Frame(Frame),
    /// Close now; what is still queued is dropped.
    Close(CloseReason),
}

/// The session's end.
pub(crate) struct OutboxSender {
    frames: mpsc::Sender<Frame>,
    close: Option<oneshot::Sender<CloseReason>>,
    queued_bytes: Arc<AtomicUsize>,
    max_bytes: usize,
}

/// The pump's end.
pub struct Outbox {
    frames: mpsc::Receiver<Frame>,
    close: CloseSignal,
    queued_bytes: Arc<AtomicUsize>,
}

/// The session's end, to be handed over with the socket.
pub struct OutboxEnd(pub(super) OutboxSender);

/// A queue of at most `max_frames` and `max_bytes`.
#[must_use]
pub fn outbox(max_frames: usize, max_bytes: usize) -> (OutboxEnd, Outbox) {
    let (frames_in, frames_out) = mpsc::channel(max_frames);
    let (close_in, close_out) = oneshot::channel();
    let queued_bytes = Arc::new(AtomicUsize::new(0));
    let sender =
        OutboxSender { frames: frames_in, close: Some(close_in), queued_bytes: queued_bytes.clone(), max_bytes };
    (OutboxEnd(sender), Outbox { frames: frames_out, close: CloseSignal(Some(close_out)), queued_bytes })
}

impl OutboxSender {
    /// Queues a frame. False when the queue is full or the pump has gone: the socket is being closed.
    pub(super) fn push(&mut self, frame: Frame) -> bool {
        let len = frame.len();
        let before = self.queued_bytes.fetch_add(len, Ordering::Relaxed);
        if before + len <= self.max_bytes && self.frames.try_send(frame).is_ok() {
            return true;
        }
        self.close(CloseReason::SlowReader);
        false
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
            Some(frame) = self.frames.recv() => Outgoing::Frame(self.taken(frame)),
        }
    }

    /// A frame that is queued already.
    pub fn try_next(&mut self) -> Option<Frame> {
        let frame = self.frames.try_recv().ok()?;
        Some(self.taken(frame))
    }

    /// Why the session wants the socket closed; waits until it does, and says it once. Cancel-safe.
    pub async fn closed(&mut self) -> CloseReason {
        self.close.wait().await
    }

    fn taken(&self, frame: Frame) -> Frame {
        self.queued_bytes.fetch_sub(frame.len(), Ordering::Relaxed);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{FrameError, legacy};

    fn frame() -> Frame {
        legacy::error(&FrameError::unavailable(1))
    }

    #[tokio::test]
    async fn a_full_queue_closes_with_1013() {
        let (OutboxEnd(mut sender), mut outbox) = super::outbox(2, 1 << 20);
        assert!(sender.push(frame()) && sender.push(frame()) && !sender.push(frame()));
        assert!(matches!(outbox.next().await, Outgoing::Close(CloseReason::SlowReader)));
    }

    #[tokio::test]
    async fn bytes_are_bounded_and_come_back_when_written() {
        let (OutboxEnd(mut sender), mut outbox) = super::outbox(100, frame().len() * 2);
        for _ in 0..20 {
            assert!(sender.push(frame()) && sender.push(frame()));
            assert!(outbox.try_next().is_some());
            assert!(matches!(outbox.next().await, Outgoing::Frame(_)));
        }
        assert!(sender.push(frame()) && sender.push(frame()) && !sender.push(frame()));
    }

    #[tokio::test]
    async fn a_session_that_vanishes_is_a_fault() {
        let (end, mut outbox) = super::outbox(2, 1 << 20);
        drop(end);
        assert!(matches!(outbox.next().await, Outgoing::Close(CloseReason::Fault)));
    }
}
