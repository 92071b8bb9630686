//! The body of an upload, which ends when it is cut off or comes too slowly.

use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout};

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
}

/// Returns the pieces of a body, of `length` bytes if that is known. Its error, if any, comes last.
pub(super) fn pieces(
    body: LimitedBody,
    length: Option<u64>,
) -> impl Stream<Item = Result<Bytes, BodyEnd>> + Send + Unpin + 'static {
    let pieces = Pieces { body, missing: length, waited: Duration::ZERO, came: 0 };
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
            let frame = timeout(SILENCE, self.body.frame()).await.map_err(|_| BodyEnd::Stalled)?;
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
