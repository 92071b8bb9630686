//! Receiving the bytes of an upload.
//!
//! Bytes are gathered in blocks; while one is written, the next is gathered, and the body is not asked for more when
//! both are full. So a transfer takes two blocks of memory, and a slow disk slows its client by TCP.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::time::{Interval, MissedTickBehavior};
use tracing::Instrument as _;

use super::{MediaError, MediaService, OpenUpload, Transfer};
use crate::domain::Media;
use crate::media::{BLOCK, Checking, Checksum, Pending};
use crate::storage::{Kept, Marked};
use crate::telemetry::{Direction, in_current_request, metrics};

/// Bytes after which the offset is marked: at most so many are sent again after a crash.
const MARK_EVERY: u64 = 8 * 1024 * 1024;
/// How often a lease is prolonged, and looked at for others who want it.
const RENEW_EVERY: Duration = Duration::from_secs(2);

/// How the body of a request has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyEnd {
    /// At its end.
    Whole,
    /// The connection was cut.
    Cut,
    /// It came too slowly.
    Stalled,
    /// It had more bytes than were missing.
    TooLong,
    /// A newer request goes on.
    TakenOver,
}

/// What was received.
#[derive(Clone, Debug)]
pub struct Received {
    /// The file, with its new offset.
    pub media: Media,
    /// How the body has ended.
    pub end: BodyEnd,
}

/// How the loop has ended.
enum End {
    Body(BodyEnd),
    /// Deleted or expired: nothing more may be written.
    Gone,
    Failed(MediaError),
}

/// The buffers of one transfer.
struct Buffers {
    gathered: Vec<u8>,
    spare: Vec<u8>,
    pending: Option<Pending>,
    /// Bytes that are being written.
    pending_bytes: u64,
}

impl OpenUpload {
    /// Receives a body, whose every error is how it ends, and keeps what has come, whatever becomes of the caller. With
    /// a checksum, all of it is kept or nothing.
    pub async fn receive<S>(
        self,
        body: S,
        checksum: Option<Checksum>,
        transfer: Transfer,
    ) -> Result<Received, MediaError>
    where
        S: Stream<Item = Result<Bytes, BodyEnd>> + Send + Unpin + 'static,
    {
        let tracker = self.service.receiving.clone();
        let receiving = async move {
            // Until all is written down.
            let _transfer = transfer;
            self.receive_all(body, checksum).await
        };
        let received = tracker.spawn(Box::pin(in_current_request(receiving.in_current_span()))).await;
        received.map_err(|error| MediaError::Internal(error.to_string()))?
    }

    async fn receive_all<S>(mut self, mut body: S, checksum: Option<Checksum>) -> Result<Received, MediaError>
    where
        S: Stream<Item = Result<Bytes, BodyEnd>> + Send + Unpin + 'static,
    {
        let start = self.offset();
        let mut checking = checksum.map(Checksum::begin);
        let mut buffers = Buffers::new(self.size() - start);
        let mut end = Box::pin(self.fill(&mut body, &mut buffers, &mut checking)).await;
        self.turn.waits(false);
        if let Err(error) = self.flush(&mut buffers).await {
            end = End::Failed(error);
        }
        metrics().media.moved(Direction::Up, self.offset() - start);
        if let Some(checking) = checking {
            let is_right = matches!(end, End::Body(BodyEnd::Whole)) && checking.matches();
            if !is_right {
                // The row does not have it yet.
                self.writer.cut(start).await?;
                end = match end {
                    End::Body(BodyEnd::Whole) => End::Failed(MediaError::WrongChecksum),
                    other => other,
                };
            }
        }
        self.end(end).await
    }

    /// Gathers and writes until the body ends.
    async fn fill<S>(&mut self, body: &mut S, buffers: &mut Buffers, checking: &mut Option<Checking>) -> End
    where
        S: Stream<Item = Result<Bytes, BodyEnd>> + Send + Unpin + 'static,
    {
        let (mut marked, mut renewals) = (self.offset(), renewals());
        loop {
            self.turn.waits(true);
            let piece = tokio::select! {
                biased;
                () = self.turn.stopped() => return End::Body(BodyEnd::TakenOver),
                _ = renewals.tick(), if self.lease.is_some() => {
                    match self.renew().await {
                        Some(end) => return end,
                        None => continue,
                    }
                }
                piece = body.next() => piece,
            };
            let mut piece = match piece {
                None => return End::Body(BodyEnd::Whole),
                Some(Err(end)) => return End::Body(end),
                Some(Ok(piece)) => piece,
            };
            self.turn.waits(false);
            let missing = self.size() - self.offset() - buffers.bytes();
            let is_too_long = piece.len() as u64 > missing;
            piece.truncate(usize::try_from(missing).unwrap_or(usize::MAX));
            if let Some(checking) = checking {
                checking.update(&piece);
            }
            while !piece.is_empty() {
                let part = piece.split_to(piece.len().min(BLOCK - buffers.gathered.len()));
                buffers.gathered.extend_from_slice(&part);
                if buffers.gathered.len() == BLOCK
                    && let Err(error) = self.write(buffers).await
                {
                    return End::Failed(error);
                }
            }
            if is_too_long {
                return End::Body(BodyEnd::TooLong);
            }
            if checking.is_none() && self.offset() - marked >= MARK_EVERY {
                match self.mark(Kept::Soon).await {
                    Ok(None) => marked = self.offset(),
                    Ok(Some(end)) => return end,
                    Err(error) => return End::Failed(error),
                }
            }
        }
    }

    /// Begins to write what is gathered, once what was gathered before is written.
    async fn write(&mut self, buffers: &mut Buffers) -> Result<(), MediaError> {
        self.wait(buffers).await?;
        let block = std::mem::replace(&mut buffers.gathered, std::mem::take(&mut buffers.spare));
        buffers.pending_bytes = block.len() as u64;
        buffers.pending = Some(self.writer.write(block));
        Ok(())
    }

    /// Waits until what is being written is written.
    async fn wait(&mut self, buffers: &mut Buffers) -> Result<(), MediaError> {
        let Some(pending) = buffers.pending.take() else { return Ok(()) };
        buffers.pending_bytes = 0;
        buffers.spare = self.writer.wrote(pending).await?;
        Ok(())
    }

    /// Writes everything that is gathered.
    async fn flush(&mut self, buffers: &mut Buffers) -> Result<(), MediaError> {
        self.wait(buffers).await?;
        if !buffers.gathered.is_empty() {
            self.write(buffers).await?;
            self.wait(buffers).await?;
        }
        Ok(())
    }

    /// Ends the request: the file is complete, or its offset is marked.
    async fn end(mut self, end: End) -> Result<Received, MediaError> {
        if let End::Gone = end {
            return Err(MediaError::NotFound);
        }
        if self.offset() == self.size() {
            // Also when the body was cut behind its last byte, or a newer request waits.
            let end = match end {
                End::Body(BodyEnd::TooLong) => BodyEnd::TooLong,
                End::Failed(error) => return Err(error),
                _ => BodyEnd::Whole,
            };
            return Ok(Received { media: self.finish().await?, end });
        }
        if self.offset() != self.media.offset && matches!(self.mark(Kept::Durably).await?, Some(End::Gone)) {
            return Err(MediaError::NotFound);
        }
        self.media.offset = self.offset();
        if let Some(lease) = self.lease.take() {
            lease.release().await;
        }
        match end {
            End::Failed(error) => Err(error),
            End::Body(end) => Ok(Received { media: self.media, end }),
            End::Gone => Err(MediaError::NotFound),
        }
    }

    /// Notes in the row how much is on the disk. Returns why the request must end, if it must.
    async fn mark(&mut self, kept: Kept) -> Result<Option<End>, MediaError> {
        self.writer.sync().await?;
        let (service, now): (&Arc<MediaService>, _) = (&self.service, self.service.clock.now());
        let writer = self.lease.as_ref().map(|lease| lease.writer);
        let marked = service.storage.mark_offset(self.media.id, self.offset(), None, writer, kept, now).await?;
        if matches!(marked, Marked::Done | Marked::Wanted) {
            self.media.offset = self.offset();
        }
        Ok(ended(marked))
    }

    /// Prolongs the lease. Returns why the request must end, if it must.
    async fn renew(&self) -> Option<End> {
        let writer = self.lease.as_ref()?.writer;
        match self.service.storage.renew_lease(self.media.id, writer, self.service.clock.now()).await {
            Ok(marked) => ended(marked),
            // It is tried again before the lease is over.
            Err(error) => {
                tracing::debug!(error = %error, "the lease of an upload was not prolonged");
                None
            }
        }
    }
}

impl Buffers {
    /// Buffers for so many bytes.
    fn new(bytes: u64) -> Self {
        let room = usize::try_from(bytes).unwrap_or(BLOCK).min(BLOCK);
        Self { gathered: Vec::with_capacity(room), spare: Vec::new(), pending: None, pending_bytes: 0 }
    }

    /// Returns how many bytes have come that the writer does not count yet.
    fn bytes(&self) -> u64 {
        self.gathered.len() as u64 + self.pending_bytes
    }
}

fn ended(marked: Marked) -> Option<End> {
    match marked {
        Marked::Done => None,
        Marked::Wanted => Some(End::Body(BodyEnd::TakenOver)),
        Marked::Gone => Some(End::Gone),
    }
}

fn renewals() -> Interval {
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + RENEW_EVERY, RENEW_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
