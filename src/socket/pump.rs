//! The pump: the one task that reads and writes a socket.
//!
//! It reads by credit: without it, the socket is not read and TCP holds the client back. What it writes comes from the
//! session's queue, all that is there in one go. Bounds: one frame being read (`max_frame_bytes`), one queue, and a write
//! buffer that holds one batch.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use rand::RngExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;

use super::heartbeat::{Beat, Heartbeat};
use crate::actors::{CloseReason, Credit, Credits, Outbox, Outgoing, RegistryHandle, SessionHandle};
use crate::config;
use crate::domain::{SocketId, UserId};
use crate::protocol::{ErrorCode, Frame, FrameError, legacy};
use crate::telemetry::metrics;

/// The read buffer is allocated at once for every socket: small, since most are idle.
const READ_BUFFER: usize = 4 * 1024;
/// The write buffer is flushed when it holds this much.
const WRITE_BUFFER: usize = 8 * 1024;
/// Longest time for the closing handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest time in which a drain waits for what was read to be stored.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes that are still read from a peer that is being closed for its frame, so that it gets to see the close frame.
const LINGER_BYTES: usize = 16 * 1024 * 1024;
/// Bad frames in [`BAD_FRAMES_WINDOW`] that a client may send.
const MAX_BAD_FRAMES: u32 = 60;
/// See [`MAX_BAD_FRAMES`].
const BAD_FRAMES_WINDOW: Duration = Duration::from_mins(1);
/// RFC 6455 §7.1.5: the connection ended without a close frame.
const ABNORMAL: u16 = 1006;

/// What all pumps of a server share.
pub(super) struct Settings {
    pub(super) config: config::Socket,
    wire: WebSocketConfig,
    write_timeout: Duration,
}

impl Settings {
    pub(super) fn new(config: &config::Socket) -> Self {
        let wire = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            // Room for the largest frame that the queue lets through.
            .max_write_buffer_size(WRITE_BUFFER + config.queue_bytes)
            .max_frame_size(Some(config.max_frame_bytes))
            .max_message_size(Some(config.max_frame_bytes));
        Self { wire, write_timeout: Duration::from_secs(config.write_timeout_s), config: config.clone() }
    }
}

/// What connects a pump with the rest of the server.
pub(super) struct Wire<F> {
    pub(super) outbox: Outbox,
    pub(super) session: SessionHandle,
    pub(super) registry: RegistryHandle,
    pub(super) credits: Credits,
    pub(super) drain: CancellationToken,
    /// How long this socket may live on after `drain`, asked when it comes.
    pub(super) drain_spread: F,
}

/// Why a pump stopped.
enum End {
    /// The server closes the socket.
    Server(CloseReason),
    /// The peer broke the protocol and is told so.
    Violation(CloseCode, &'static str),
    /// The peer closed the socket.
    Peer(u16),
    /// The connection is gone.
    Gone,
}

pub(super) struct Pump<S, F> {
    socket: WebSocketStream<S>,
    id: SocketId,
    user: UserId,
    settings: Arc<Settings>,
    wire: Wire<F>,
    heartbeat: Heartbeat,
    bad_frames: BadFrames,
}

impl<S, F> Pump<S, F>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Fn() -> Duration,
{
    pub(super) async fn new(io: S, id: SocketId, user: UserId, settings: Arc<Settings>, wire: Wire<F>) -> Self {
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(settings.wire)).await;
        let (every, answer) = (settings.config.ping_s, settings.config.pong_timeout_s);
        let heartbeat = Heartbeat::new(Duration::from_secs(every), Duration::from_secs(answer), Instant::now());
        Self { socket, id, user, settings, wire, heartbeat, bad_frames: BadFrames::new() }
    }

    /// Moves frames until one side ends it. Answers the close code, or 1006 when there was none.
    pub(super) async fn run(mut self) -> u16 {
        let end = match self.serve().await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        self.close(end).await
    }

    async fn serve(&mut self) -> Result<std::convert::Infallible, End> {
        let mut credit: Option<Credit> = None;
        let mut drain_at: Option<Instant> = None;
        loop {
            let reading = credit.is_some();
            tokio::select! {
                outgoing = self.wire.outbox.next() => match outgoing {
                    Outgoing::Frame(frame) => self.write(frame).await?,
                    Outgoing::Close(reason) => return Err(End::Server(reason)),
                },
                incoming = self.socket.next(), if reading => self.receive(incoming, &mut credit).await?,
                free = self.wire.credits.reserve(), if !reading => {
                    credit = Some(free);
                    self.heartbeat.resumed(Instant::now());
                }
                () = sleep_until(self.heartbeat.deadline(reading)) => {
                    match self.heartbeat.beat(Instant::now(), reading) {
                        Beat::Ping => self.send(Message::Ping(Bytes::new())).await?,
                        Beat::Dead => return Err(End::Server(CloseReason::NoPong)),
                        Beat::Wait => {}
                    }
                }
                () = self.wire.drain.cancelled(), if drain_at.is_none() => {
                    let spread = (self.wire.drain_spread)();
                    drain_at = Some(Instant::now() + spread.mul_f64(rand::rng().random_range(0.0..1.0)));
                }
                () = sleep_until(drain_at.unwrap_or_else(Instant::now)), if drain_at.is_some() => {
                    drop(credit.take());
                    return self.finish_writing().await;
                }
            }
        }
    }

    async fn receive(
        &mut self,
        incoming: Option<Result<Message, Error>>,
        credit: &mut Option<Credit>,
    ) -> Result<(), End> {
        let message = match incoming {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(end_of(&error)),
            None => return Err(End::Gone),
        };
        self.heartbeat.heard();
        match message {
            Message::Text(text) => self.receive_text(&text, credit).await,
            Message::Binary(_) => {
                self.complain(&FrameError::new(ErrorCode::BadFrame, "error: binary frames are not supported")).await
            }
            Message::Close(frame) => Err(End::Peer(frame.map_or(1005, |frame| frame.code.into()))),
            // A ping is answered by the library, with the next read.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
        }
    }

    async fn receive_text(&mut self, text: &Utf8Bytes, credit: &mut Option<Credit>) -> Result<(), End> {
        match legacy::decode(text, self.user, self.settings.config.max_ciphertext_bytes) {
            Ok(draft) => {
                if let Some(mut credit) = credit.take() {
                    // Waits for commits only, which do not wait for this socket.
                    self.wire.credits.fill(&mut credit, draft.bytes()).await;
                    self.wire.session.send(self.id, draft, credit);
                }
                Ok(())
            }
            Err(error) => self.complain(&error).await,
        }
    }

    /// Answers a bad frame, and closes the socket of a client that sends nothing else.
    async fn complain(&mut self, error: &FrameError) -> Result<(), End> {
        metrics().frame_error(error.code.as_str());
        if self.bad_frames.count(Instant::now()) > MAX_BAD_FRAMES {
            return Err(End::Server(CloseReason::Policy));
        }
        self.write(legacy::error(error)).await
    }

    /// Writes `first` and whatever else is queued by now, then flushes once.
    async fn write(&mut self, first: Frame) -> Result<(), End> {
        let mut next = Some(first);
        while let Some(frame) = next {
            self.guarded(Write::Feed(text(frame))).await?;
            next = self.wire.outbox.try_next();
        }
        self.guarded(Write::Flush).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        self.guarded(Write::Feed(message)).await?;
        self.guarded(Write::Flush).await
    }

    /// One write that ends when the session wants the socket closed or the peer does not read for too long. After either,
    /// the socket is closed and never written to in the ordinary way again.
    async fn guarded(&mut self, write: Write) -> Result<(), End> {
        let socket = &mut self.socket;
        let written = async {
            match write {
                Write::Feed(message) => socket.feed(message).await,
                Write::Flush => socket.flush().await,
            }
        };
        tokio::select! {
            biased;
            written = timeout(self.settings.write_timeout, written) => match written {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(end_of(&error)),
                Err(_) => Err(End::Server(CloseReason::SlowReader)),
            },
            reason = self.wire.outbox.closed() => Err(End::Server(reason)),
        }
    }

    /// The drain: reads nothing more, but waits until what was read is answered, and writes that.
    ///
    /// A message gives its credit back when its answer is in the registry's mailbox. So a close that takes the same way
    /// from there arrives behind all answers.
    async fn finish_writing(&mut self) -> Result<std::convert::Infallible, End> {
        let deadline = Instant::now() + SETTLE_TIMEOUT;
        let mut released = false;
        loop {
            tokio::select! {
                biased;
                outgoing = self.wire.outbox.next() => match outgoing {
                    Outgoing::Frame(frame) => self.write(frame).await?,
                    Outgoing::Close(reason) => {
                        if let Some(frame) = self.wire.outbox.try_next() {
                            self.write(frame).await?;
                        }
                        return Err(End::Server(reason));
                    }
                },
                () = self.wire.credits.settled(), if !released => {
                    released = true;
                    self.wire.registry.close_socket(self.user, self.id, CloseReason::Restart);
                }
                () = sleep_until(deadline) => return Err(End::Server(CloseReason::Restart)),
            }
        }
    }

    /// The closing handshake, as far as the peer takes part in it.
    async fn close(mut self, end: End) -> u16 {
        let (code, reason, violated) = match end {
            End::Gone => return ABNORMAL,
            End::Peer(code) => {
                // Flushes the answer that the library has queued.
                let _ = timeout(CLOSE_TIMEOUT, self.socket.flush()).await;
                return code;
            }
            End::Server(reason) => {
                let (code, text) = reason.code_and_text();
                (CloseCode::from(code), text, false)
            }
            End::Violation(code, text) => (code, text, true),
        };
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        let closing = async {
            self.socket.close(Some(frame)).await?;
            if violated {
                // What follows is the rest of something that cannot be parsed.
                linger(self.socket.get_mut()).await;
            } else {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
            Ok::<(), Error>(())
        };
        // Whether the peer answers in time or not, the connection ends here.
        let _ = timeout(CLOSE_TIMEOUT, closing).await;
        code.into()
    }
}

enum Write {
    Feed(Message),
    Flush,
}

/// A frame as tungstenite takes it.
fn text(frame: Frame) -> Message {
    // A frame is JSON made from strings: always UTF-8.
    Message::Text(Utf8Bytes::try_from(frame.into_bytes()).unwrap_or_default())
}

/// Reads and forgets: closing a TCP connection with unread input resets it, and the close frame would be lost.
async fn linger(io: &mut (impl AsyncRead + Unpin)) {
    let mut scratch = [0_u8; 2048];
    let mut left = LINGER_BYTES;
    while left > 0 {
        match io.read(&mut scratch).await {
            Ok(0) | Err(_) => return,
            Ok(n) => left = left.saturating_sub(n),
        }
    }
}

fn end_of(error: &Error) -> End {
    match error {
        Error::Capacity(_) => End::Violation(CloseCode::Size, "frame too large"),
        Error::Utf8(_) => End::Violation(CloseCode::Invalid, "text is not UTF-8"),
        Error::Protocol(tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
            End::Gone
        }
        Error::Protocol(_) => End::Violation(CloseCode::Protocol, "protocol error"),
        _ => End::Gone,
    }
}

/// How many bad frames there were since the window began.
struct BadFrames {
    since: Instant,
    count: u32,
}

impl BadFrames {
    fn new() -> Self {
        Self { since: Instant::now(), count: 0 }
    }

    fn count(&mut self, now: Instant) -> u32 {
        if now.duration_since(self.since) >= BAD_FRAMES_WINDOW {
            *self = Self { since: now, count: 0 };
        }
        self.count += 1;
        self.count
    }
}
