//! Sending the bytes of a file.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use super::{MediaError, MediaService, Transfer};
use crate::domain::{Media, UserId};
use crate::media::{BLOCK, Governor, Pieces};
use crate::telemetry::{Direction, metrics, trace_span};

/// Longest time for a block: a client that reads less than 1 KiB a second is given up, and its place is another's.
const BLOCK_TIMEOUT: Duration = Duration::from_secs(BLOCK as u64 / 1024);

/// A file that is open to be sent.
pub struct Download {
    pieces: Pieces,
    transfer: Transfer,
    governor: Arc<Governor>,
}

/// The place of a download among the transfers, until this is dropped or the client reads too slowly.
struct Place(Arc<Mutex<Held>>);

struct Held {
    /// `None` once the place is given up.
    transfer: Option<Transfer>,
    /// When a block was last asked for, or was there.
    moved: Instant,
}

impl MediaService {
    /// Opens a part of a whole file, which counts as a transfer of this user. One that is missing is noted as lost
    /// and [`MediaError::NotFound`].
    pub async fn download(
        self: &Arc<Self>,
        user: UserId,
        media: &Media,
        range: Range<u64>,
    ) -> Result<Download, MediaError> {
        let transfer = self.transfer(user, Direction::Down)?;
        if let Some(pieces) = self.blobs.read(media.id, media.size, range).await? {
            return Ok(Download { pieces, transfer, governor: self.governor.clone() });
        }
        // Unless it was removed meanwhile.
        if self.storage.readable_media(user, media.id, self.clock.now()).await?.is_some() {
            tracing::error!(media.id = %media.id, "a file is missing");
            self.storage.lose_media(media.id, self.clock.now()).await?;
        }
        Err(MediaError::NotFound)
    }
}

impl Download {
    /// Sends what was opened, piece by piece, each when the connection has room for it. The stream ends early when the
    /// store fails or the client reads too slowly.
    pub fn send(self) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
        let place = Place::new(self.transfer);
        let span = trace_span!("media.transfer", direction = "down");
        // Beside the connection, which asks for nothing while it is stuck.
        let watch = AbortOnDropHandle::new(tokio::spawn(span.around(watch(place.0.clone()))));
        futures_util::stream::unfold(Some((self.pieces, place, watch, self.governor)), |sending| async move {
            let (mut pieces, place, watch, governor) = sending?;
            if !place.moves() {
                return None;
            }
            let piece = pieces.next().await?;
            match piece {
                Ok(piece) => {
                    governor.pace(Direction::Down, piece.len() as u64).await;
                    metrics().media.moved(Direction::Down, piece.len() as u64);
                    place.moves();
                    // Other tasks of the thread run, as those of messages: what is in memory comes without waiting.
                    tokio::task::yield_now().await;
                    Some((Ok(piece), Some((pieces, place, watch, governor))))
                }
                Err(error) => {
                    tracing::error!(error = %error, "a file cannot be read");
                    Some((Err(error), None))
                }
            }
        })
    }
}

impl Place {
    fn new(transfer: Transfer) -> Self {
        Self(Arc::new(Mutex::new(Held { transfer: Some(transfer), moved: Instant::now() })))
    }

    /// Notes that the download goes on. Returns false when the place was given up.
    fn moves(&self) -> bool {
        let mut held = lock(&self.0);
        held.moved = Instant::now();
        held.transfer.is_some()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.0).transfer = None;
    }
}

/// Gives the place up when nothing has moved for too long.
async fn watch(held: Arc<Mutex<Held>>) {
    loop {
        let until = {
            let mut held = lock(&held);
            let until = held.moved + BLOCK_TIMEOUT;
            if until <= Instant::now() {
                held.transfer = None;
                return;
            }
            until
        };
        sleep_until(until).await;
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    // Plain values, whole after any panic.
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::transfers::Transfers;
    use super::*;

    fn governor() -> Arc<Governor> {
        Arc::new(Governor::new(Arc::default()))
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_too_slowly_loses_the_place_and_then_the_rest() {
        let transfers = Transfers::new(1, 1);
        let begin = || transfers.begin(UserId(1), Direction::Down);
        let pieces = futures_util::stream::iter([1_u8, 2, 3]).map(|byte| Ok(Bytes::copy_from_slice(&[byte])));
        let download = Download { pieces: pieces.boxed(), transfer: begin().unwrap(), governor: governor() };
        let mut sent = Box::pin(download.send());
        let nearly = BLOCK_TIMEOUT.saturating_sub(Duration::from_secs(1));
        for byte in [1, 2] {
            tokio::time::sleep(nearly).await;
            assert_eq!(sent.next().await.unwrap().unwrap(), [byte][..]);
        }
        tokio::time::sleep(nearly).await;
        assert!(begin().is_err(), "it goes on");
        tokio::time::sleep(Duration::from_secs(2)).await;
        let other = begin().unwrap();
        assert!(sent.next().await.is_none());
        drop((sent, other));
        assert!(begin().is_ok());
    }

    #[tokio::test]
    async fn the_place_is_free_when_the_stream_is_dropped() {
        let transfers = Transfers::new(1, 1);
        let begin = || transfers.begin(UserId(1), Direction::Down);
        let failed = futures_util::stream::iter([Err(std::io::ErrorKind::UnexpectedEof.into())]);
        let download = Download { pieces: failed.boxed(), transfer: begin().unwrap(), governor: governor() };
        let mut sent = Box::pin(download.send());
        assert!(sent.next().await.unwrap().is_err() && begin().is_ok(), "an error is the end");
        assert!(sent.next().await.is_none());
        let download = Download {
            pieces: futures_util::stream::empty().boxed(),
            transfer: begin().unwrap(),
            governor: governor(),
        };
        drop(download.send());
        assert!(begin().is_ok());
    }
}
