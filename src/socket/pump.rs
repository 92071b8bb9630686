//! The pump: the one task that reads and writes a socket.
//!
//! It reads by credit: without it, the socket is not read and TCP holds the client back. It writes what is in the
//! session's queue, all that is there in one go. Bounds: one frame being read (`max_frame_bytes`), 8 KiB read ahead of
//! it, one queue, and a write buffer that holds one frame.

mod bad_frames;
mod draining;
mod limiting;
mod pacing;
mod reading;
mod receiving;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::closing::{SocketEnd, close};
use super::dialect::Dialect;
use super::drain::SocketDrain;
use super::heartbeat::{Beat, Heartbeat};
use super::read_ahead::ReadAhead;
use super::tail::Tail;
use super::writing::{Input, Write};
use crate::actors::{Credit, Credits, Outgoing, QueuedFrame, SendQueue, SocketLease};
use crate::config;
use crate::domain::{SendLimits, UserId};
use crate::limits::Limiters;
use crate::protocol::{CloseReason, Frame};
use crate::storage::Storage;
use crate::telemetry::{ReadAt, metrics};
use bad_frames::BadFrames;
use pacing::Pacing;
use reading::{Reading, progress};

/// Bytes of the read buffer, which is allocated at once for every socket: few, since most are idle. It holds two
/// messages of 344 bytes a copy, some 820 bytes each, and is a size that the allocator gives without rounding it up.
/// How much a system call reads does not depend on it ([`ReadAhead`]).
const READ_BUFFER: usize = 7 * 256;
/// Bytes at which the write buffer is flushed.
const WRITE_BUFFER: usize = 8 * 1024;

/// The settings that all pumps of a server share.
pub(super) struct Settings {
    pub(super) config: config::Socket,
    /// The limits on what clients send.
    send: SendLimits,
    wire: WebSocketConfig,
    limiters: Arc<Limiters>,
    /// Longest time for which a message in the legacy dialect waits for its limiters.
    legacy_delay: Duration,
    /// Says how well users know each other; none where nobody does.
    storage: Option<Arc<Storage>>,
}

impl Settings {
    pub(super) fn new(config: &config::Config, limiters: Arc<Limiters>, storage: Option<Arc<Storage>>) -> Self {
        let legacy_delay = Duration::from_millis(config.limits.legacy_delay_ms);
        let (send, config) = (config.send_limits(), &config.socket);
        let wire = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            // Room for the largest frame that the queue lets through.
            .max_write_buffer_size(WRITE_BUFFER + config.queue_bytes)
            .max_frame_size(Some(config.max_frame_bytes))
            .max_message_size(Some(config.max_frame_bytes));
        Self { send, wire, config: config.clone(), limiters, legacy_delay, storage }
    }
}

/// The links of a pump with the rest of the server.
pub(super) struct Links<F> {
    pub(super) dialect: Dialect,
    pub(super) queue: SendQueue,
    pub(super) session: SocketLease,
    pub(super) credits: Credits,
    pub(super) drain: SocketDrain<F>,
}

pub(super) struct Pump<S, F> {
    socket: WebSocketStream<Tail<ReadAhead<S>>>,
    user: UserId,
    settings: Arc<Settings>,
    links: Links<F>,
    heartbeat: Heartbeat,
    bad_frames: BadFrames,
    /// What the limiters make it wait for.
    pacing: Pacing,
    /// Whether the first frame is written. Nothing is read before, since no reply may come before it.
    is_greeted: bool,
}

impl<S, F> Pump<S, F>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Fn() -> Duration,
{
    /// A pump for a connection from which `read` was read already.
    pub(super) async fn new(io: S, read: Vec<u8>, user: UserId, settings: Arc<Settings>, links: Links<F>) -> Self {
        let (role, config) = (Role::Server, Some(settings.wire));
        let io = Tail::new(ReadAhead::new(io), &read);
        let socket = WebSocketStream::from_partially_read(io, read, role, config).await;
        let (every, pong) = (settings.config.ping_s, settings.config.pong_timeout_s);
        let heartbeat = Heartbeat::new(Duration::from_secs(every), Duration::from_secs(pong), Instant::now());
        let is_greeted = links.dialect == Dialect::Legacy;
        let (bad_frames, pacing) = (BadFrames::new(), Pacing::default());
        Self { socket, user, settings, links, heartbeat, bad_frames, pacing, is_greeted }
    }

    /// Moves frames until one side ends the socket. Returns the close code, or 1006 when there was none.
    pub(super) async fn run(&mut self) -> u16 {
        let end = match self.serve().await {
            Ok(never) => match never {},
            // A session that ends with the server has not failed.
            Err(SocketEnd::Server(CloseReason::Fault)) if self.links.drain.is_near() => {
                SocketEnd::Server(CloseReason::Restart)
            }
            Err(end) => end,
        };
        self.pacing.flush(&self.links.session);
        // On the heap, as everything that happens rarely: every socket would have its size otherwise.
        Box::pin(close(&mut self.socket, end)).await
    }

    async fn serve(&mut self) -> Result<std::convert::Infallible, SocketEnd> {
        let mut reading = Reading::Waiting;
        // One timer for the heartbeat and for what the limiters make the socket wait for.
        let mut timer = pin!(sleep_until(self.heartbeat.deadline(false)));
        loop {
            let is_reading = matches!(reading, Reading::Ready(_)) && !self.pacing.is_paused();
            let beat_at = self.heartbeat.deadline(is_reading);
            let next = self.pacing.due().map_or(beat_at, |due| due.min(beat_at));
            if timer.deadline() != next {
                timer.as_mut().reset(next);
            }
            tokio::select! {
                outgoing = self.links.queue.next() => match outgoing {
                    Outgoing::Frame(queued) => self.write(queued).await?,
                    Outgoing::Close(reason) => return Err(SocketEnd::Server(reason)),
                },
                incoming = self.socket.next(), if is_reading => {
                    if let Some(answer) = self.receive(heard(incoming)?, &mut reading)? {
                        // On the heap, since few frames are answered at once.
                        Box::pin(self.write(answer)).await?;
                    }
                }
                () = progress(&mut reading, &self.links.credits, &self.links.session),
                    if !is_reading && self.is_greeted => self.heartbeat.resumed(Instant::now()),
                () = timer.as_mut() => {
                    self.end_waits();
                    if beat_at <= Instant::now() {
                        Box::pin(self.beat(&mut reading)).await?;
                    }
                }
                () = self.links.drain.due() => return Err(Box::pin(self.depart(reading)).await),
            }
        }
    }

    async fn beat(&mut self, reading: &mut Reading) -> Result<(), SocketEnd> {
        let is_reading = matches!(reading, Reading::Ready(_)) && !self.pacing.is_paused();
        match self.heartbeat.beat(Instant::now(), is_reading) {
            Beat::Ping => {
                self.guarded(&mut Write::feed(Message::Ping(Bytes::new()))).await?;
                self.guarded(&mut Write::Flush).await
            }
            // The pong may be there, unread: this process may have been the one that stood still.
            Beat::Dead => match self.socket.next().now_or_never() {
                Some(incoming) => match self.receive(heard(incoming)?, reading)? {
                    Some(answer) => self.write(answer).await,
                    None => Ok(()),
                },
                None => Err(SocketEnd::Server(CloseReason::NoPong)),
            },
            Beat::Wait => Ok(()),
        }
    }

    /// Writes `first` and all that is queued by now, then flushes once and gives back the credit of the answers.
    async fn write(&mut self, first: QueuedFrame) -> Result<(), SocketEnd> {
        self.is_greeted = true;
        let mut answered = Vec::with_capacity(1 + self.links.queue.queued());
        let mut step = self.step(first, &mut answered)?;
        loop {
            self.guarded(&mut step).await?;
            let Some(next) = self.links.queue.try_next() else { break };
            step = self.step(next, &mut answered)?;
        }
        step = Write::Flush;
        self.guarded(&mut step).await?;
        note_deliveries(&answered);
        Ok(())
    }

    /// Returns the step that writes a frame, and keeps what is given back when all is written. Apart from
    /// [`write`](Self::write), in which every socket would have room for the queued frame while a write waits.
    fn step(&mut self, queued: QueuedFrame, answered: &mut Vec<Answered>) -> Result<Write, SocketEnd> {
        let QueuedFrame { frame, credit, is_frame_error, read_at, page_permit } = queued;
        answered.push((credit, page_permit, read_at));
        if is_frame_error && self.bad_frames.is_too_many(Instant::now()) {
            return Err(SocketEnd::Server(CloseReason::Policy));
        }
        Ok(Write::feed(text(frame)))
    }

    /// Runs one step of writing. It ends early when the session wants the socket closed, or when the time for the drain
    /// is over; the connection itself gives up when nothing could be written for too long. After any of these, the
    /// socket is closed, and nothing but the close frame is written.
    async fn guarded(&mut self, write: &mut Write) -> Result<(), SocketEnd> {
        loop {
            let input = if self.links.drain.has_begun() { Input::IsDiscarded } else { Input::Waits };
            tokio::select! {
                biased;
                written = poll_fn(|cx| write.poll(&mut self.socket, input, cx)) => return written,
                reason = self.links.queue.closed() => return Err(SocketEnd::Server(reason)),
                // Allocated only when the write has to wait. Discarding may use up what a task may do at a time, and a
                // client that writes without a pause would put off the end with it.
                is_over = unconstrained(async { Box::pin(self.links.drain.next_step()).await }) => if is_over {
                    return Err(SocketEnd::Server(CloseReason::Restart));
                },
            }
        }
    }
}

/// What is given back when a frame is written, and when the message in it was read from its sender's socket.
type Answered = (Option<Credit>, Option<OwnedSemaphorePermit>, Option<ReadAt>);

/// Records how long the messages that are written now were on their way.
fn note_deliveries(written: &[Answered]) {
    let mut read = written.iter().filter_map(|(.., read_at)| *read_at).peekable();
    if read.peek().is_some() {
        let now = ReadAt::now();
        read.for_each(|read_at| metrics().messages.delivery_seconds.record(read_at.until(now)));
    }
}

/// Returns what has come, or why nothing comes any more.
fn heard(incoming: Option<Result<Message, Error>>) -> Result<Message, SocketEnd> {
    match incoming {
        Some(Ok(message)) => Ok(message),
        Some(Err(error)) => Err(SocketEnd::from(&error)),
        None => Err(SocketEnd::Gone),
    }
}

/// Converts a frame for tungstenite.
fn text(frame: Frame) -> Message {
    // A frame is JSON made from strings: always UTF-8.
    Message::Text(Utf8Bytes::try_from(frame.into_bytes()).unwrap_or_default())
}

#[cfg(test)]
mod tests;
