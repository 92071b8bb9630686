//! The body of an upload, which ends when it is cut off or comes too slowly.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use hyper::body::{Body as _, Frame};
use tokio::time::{Instant, Sleep, sleep};

use crate::http::error::ApiError;
use crate::http::extract::LimitedBody;
use crate::service::media::BodyEnd;

/// Longest time without a byte.
const SILENCE: Duration = Duration::from_secs(30);
/// The time that is waited for so many bytes at least.
const WINDOW: Duration = Duration::from_mins(1);
/// Least bytes in a window: 1 KiB a second.
const WINDOW_BYTES: u64 = 60 * 1024;

struct Pieces {
    body: LimitedBody,
    /// Bytes that are still to come, where the head says so.
    missing: Option<u64>,
    /// The time that was waited for the client in this window; the disk's time does not count.
    waited: Duration,
    /// Bytes that came in it.
    came: u64,
    /// Ends some time after the last byte: it is set anew only when it has ended, and not for every piece.
    silence: Pin<Box<Sleep>>,
}

type LimitedFrame = Result<Frame<Bytes>, ApiError>;

/// Returns the pieces of a body, of `length` bytes if that is known. Its error, if any, comes last.
pub(super) fn pieces(
    body: LimitedBody,
    length: Option<u64>,
) -> impl Stream<Item = Result<Bytes, BodyEnd>> + Send + Unpin + 'static {
    let pieces = Pieces { body, missing: length, waited: Duration::ZERO, came: 0, silence: Box::pin(sleep(SILENCE)) };
    let stream = futures_util::stream::unfold(Some(pieces), |pieces| async move {
        let mut pieces = pieces?;
        match pieces.next().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(pieces))),
            Ok(None) => None,
            Err(end) => Some((Err(end), None)),
        }
    });
    Box::pin(stream)
}

impl Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, BodyEnd> {
        loop {
            let asked = Instant::now();
            let frame = poll_fn(|cx| self.poll_frame(cx, asked)).await?;
            let Some(frame) = frame else {
                // A connection that was dropped looks like an end.
                return if self.missing.is_some_and(|missing| missing > 0) { Err(BodyEnd::Cut) } else { Ok(None) };
            };
            let Ok(piece) = frame.map_err(|_| BodyEnd::Cut)?.into_data() else { continue };
            self.pace(asked.elapsed(), piece.len() as u64)?;
            if let Some(missing) = &mut self.missing {
                *missing = missing.saturating_sub(piece.len() as u64);
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    /// Waits for a frame that was asked for at a certain time. Fails when nothing has come for too long since then.
    fn poll_frame(&mut self, cx: &mut Context<'_>, asked: Instant) -> Poll<Result<Option<LimitedFrame>, BodyEnd>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(Ok(frame));
        }
        loop {
            ready!(self.silence.as_mut().poll(cx));
            if asked.elapsed() >= SILENCE {
                return Poll::Ready(Err(BodyEnd::Stalled));
            }
            // Bytes have come since it was set.
            self.silence.as_mut().reset(asked + SILENCE);
        }
    }

    /// Counts bytes that were waited for. Fails when too few have come in a window.
    fn pace(&mut self, waited: Duration, bytes: u64) -> Result<(), BodyEnd> {
        (self.waited, self.came) = (self.waited + waited, self.came + bytes);
        if self.waited < WINDOW {
            return Ok(());
        }
        let is_slow = self.came < WINDOW_BYTES;
        (self.waited, self.came) = (Duration::ZERO, 0);
        if is_slow { Err(BodyEnd::Stalled) } else { Ok(()) }
    }
}
