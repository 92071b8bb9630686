//! One direction of a link: what happens to the messages on it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::wire::{Frame, Frames, NatsMessage};

/// Frames of a connection that are on their way; more wait where they come from.
const ON_THE_WAY: usize = 1024;

/// What happens to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives once, in its place.
    Pass,
    /// It does not arrive.
    Drop,
    /// It arrives twice.
    Double,
    /// It arrives behind so many later messages that arrive; never, when there are too few.
    Behind(usize),
}

/// How many messages had each fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneCounts {
    /// Those that have arrived once and in their place.
    pub passed: u64,
    /// Those that have not arrived.
    pub dropped: u64,
    /// Those that have arrived twice.
    pub doubled: u64,
    /// Those that were held back.
    pub late: u64,
}

type Judge = Box<dyn FnMut(&NatsMessage) -> Fate + Send>;

/// A direction, for all connections of a link.
pub(super) struct Lane {
    is_stalled: watch::Sender<bool>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    delay: Duration,
    judge: Option<Judge>,
    counts: LaneCounts,
}

impl Lane {
    pub(super) fn new() -> Self {
        Self { is_stalled: watch::Sender::new(false), state: Mutex::default() }
    }

    pub(super) fn stall(&self, is_stalled: bool) {
        self.is_stalled.send_replace(is_stalled);
    }

    pub(super) fn delay(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    pub(super) fn judge(&self, judge: Option<Judge>) {
        self.lock().judge = judge;
    }

    pub(super) fn counts(&self) -> LaneCounts {
        self.lock().counts
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Plain data, which is consistent after any panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries one connection's frames until its source ends or is malformed, or its sink fails.
    pub(super) async fn carry(&self, from: impl AsyncRead + Unpin, to: impl AsyncWrite + Unpin) {
        let (sender, receiver) = mpsc::channel(ON_THE_WAY);
        tokio::select! {
            // The writer goes on with what is on its way after the reader has ended.
            biased;
            () = self.write(receiver, to) => {}
            () = async {
                self.read(from, sender).await;
                std::future::pending::<()>().await;
            } => {}
        }
    }

    async fn read(&self, mut from: impl AsyncRead + Unpin, sender: mpsc::Sender<(Instant, Bytes)>) {
        let (mut frames, mut held) = (Frames::default(), Held::default());
        while let Ok(1..) = from.read_buf(frames.buffer()).await {
            loop {
                let frame = match frames.next() {
                    Ok(Some(frame)) => frame,
                    Ok(None) => break,
                    Err(_) => return,
                };
                let due = Instant::now() + self.lock().delay;
                for bytes in self.arriving(frame, &mut held) {
                    if sender.send((due, bytes)).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Returns what arrives now that this frame is there.
    fn arriving(&self, Frame { bytes, message }: Frame, held: &mut Held) -> Vec<Bytes> {
        let Some(message) = message else { return vec![bytes] };
        let mut state = self.lock();
        let fate = state.judge.as_mut().map_or(Fate::Pass, |judge| judge(&message));
        let State { counts, .. } = &mut *state;
        let mut arriving = match fate {
            Fate::Pass => {
                counts.passed += 1;
                vec![bytes]
            }
            Fate::Drop => {
                counts.dropped += 1;
                return Vec::new();
            }
            Fate::Double => {
                counts.doubled += 1;
                vec![bytes.clone(), bytes]
            }
            Fate::Behind(0) => {
                counts.late += 1;
                vec![bytes]
            }
            Fate::Behind(later) => {
                counts.late += 1;
                held.0.push((later, bytes));
                return Vec::new();
            }
        };
        arriving.extend(held.release());
        arriving
    }

    async fn write(&self, mut receiver: mpsc::Receiver<(Instant, Bytes)>, mut to: impl AsyncWrite + Unpin) {
        let mut stalled = self.is_stalled.subscribe();
        loop {
            let next = receiver.recv().await;
            if let Some((due, _)) = &next {
                sleep_until(*due).await;
            }
            // The end of a connection is held up, too.
            if stalled.wait_for(|is_stalled| !is_stalled).await.is_err() {
                return;
            }
            let Some((_, bytes)) = next else { return };
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    }
}

/// Messages that are held back, and behind how many later ones.
#[derive(Default)]
struct Held(Vec<(usize, Bytes)>);

impl Held {
    /// A later message arrives: returns those that come behind it.
    fn release(&mut self) -> Vec<Bytes> {
        for (later, _) in &mut self.0 {
            *later -= 1;
        }
        self.0.extract_if(.., |(later, _)| *later == 0).map(|(_, bytes)| bytes).collect()
    }
}
