//! Sending the bytes of a file.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::mpsc;

use super::{MediaError, MediaService, Transfer};
use crate::domain::{Media, UserId};
use crate::media::{BLOCK, Pieces};
use crate::telemetry::{Direction, metrics, trace_span};

/// Longest time for a block: a client that reads less than 1 KiB a second is given up, and its place is another's.
const BLOCK_TIMEOUT: Duration = Duration::from_secs(BLOCK as u64 / 1024);

/// A file that is open to be sent.
pub struct Download {
    pieces: Pieces,
    transfer: Transfer,
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
            return Ok(Download { pieces, transfer });
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
    /// Sends what was opened, piece by piece: one is read ahead while another is written to the connection. The stream
    /// ends early when the store fails or the client reads too slowly.
    pub fn send(mut self) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
        let (blocks, mut sent) = mpsc::channel(1);
        let span = trace_span!("media.transfer", direction = "down");
        let sending = async move {
            // Until the last piece is taken.
            let _transfer = self.transfer;
            loop {
                // A piece is read when there is room for it.
                let Ok(Ok(room)) = tokio::time::timeout(BLOCK_TIMEOUT, blocks.reserve()).await else { return };
                let Some(piece) = self.pieces.next().await else { return };
                match &piece {
                    Ok(piece) => metrics().media.moved(Direction::Down, piece.len() as u64),
                    Err(error) => tracing::error!(error = %error, "a file cannot be read"),
                }
                let has_failed = piece.is_err();
                room.send(piece);
                if has_failed {
                    return;
                }
            }
        };
        tokio::spawn(span.around(sending));
        futures_util::stream::poll_fn(move |cx| sent.poll_recv(cx))
    }
}
