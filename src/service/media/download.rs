//! Sending the bytes of a file.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;

use super::{MediaError, MediaService, Transfer};
use crate::domain::{Media, UserId};
use crate::media::{BLOCK, BlobReader};
use crate::telemetry::{Direction, metrics};

/// Longest time for a block: a client that reads less than 1 KiB a second is given up, and its place is another's.
const BLOCK_TIMEOUT: Duration = Duration::from_secs(BLOCK as u64 / 1024);

/// A file that is open to be sent.
pub struct Download {
    reader: BlobReader,
    transfer: Transfer,
}

impl MediaService {
    /// Opens a whole file, which counts as a transfer of this user. One that the disk does not have is noted as lost
    /// and [`MediaError::NotFound`].
    pub async fn download(self: &Arc<Self>, user: UserId, media: &Media) -> Result<Download, MediaError> {
        let transfer = self.transfer(user, Direction::Down)?;
        if let Some(reader) = self.blobs.read(media.id, media.size).await? {
            return Ok(Download { reader, transfer });
        }
        // Unless it was removed meanwhile.
        if self.storage.readable_media(user, media.id, self.clock.now()).await?.is_some() {
            tracing::error!(media.id = %media.id, "a file is missing on the disk");
            self.storage.lose_media(media.id, self.clock.now()).await?;
        }
        Err(MediaError::NotFound)
    }
}

impl Download {
    /// Sends a part of the file, block by block: one is read ahead while another is written to the connection. The
    /// stream ends early when the disk fails or the client reads too slowly.
    pub fn send(self, range: Range<u64>) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
        let (blocks, mut sent) = mpsc::channel(1);
        tokio::spawn(async move {
            // Until the last block is taken.
            let _transfer = self.transfer;
            let mut offset = range.start;
            while offset < range.end {
                // A block is read when there is room for it.
                let Ok(Ok(room)) = tokio::time::timeout(BLOCK_TIMEOUT, blocks.reserve()).await else { return };
                let count = usize::try_from(range.end - offset).unwrap_or(BLOCK).min(BLOCK);
                let block = self.reader.read(offset, count, Vec::new()).await;
                let has_failed = block.is_err();
                if let Err(error) = &block {
                    tracing::error!(error = %error, "a file cannot be read");
                }
                room.send(block.map(Bytes::from));
                if has_failed {
                    return;
                }
                metrics().media.moved(Direction::Down, count as u64);
                offset += count as u64;
            }
            let _ = tokio::time::timeout(BLOCK_TIMEOUT, blocks.reserve()).await;
        });
        futures_util::stream::poll_fn(move |cx| sent.poll_recv(cx))
    }
}
