//! Receiving the bytes of an upload.
//!
//! Bytes are written in blocks. While one is written the body is not asked for more: what comes meanwhile waits in the
//! memory of the system, and then at the client. So a transfer takes one block beside what the connection reads, and a
//! slow disk slows its client by TCP.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tracing::Instrument as _;

use super::buffer::Buffer;
use super::leases::{held, renewals};
use super::to_its_end::ToItsEnd;
use super::{MediaError, OpenUpload, Transfer};
use crate::domain::Media;
use crate::media::{Checking, Checksum, KeptBytes, MOST_UNMARKED, WRITTEN_AT_ONCE};
use crate::storage::{Kept, Marked};
use crate::telemetry::{Direction, in_current_request, metrics, trace_span};

/// Bytes after which the offset is marked, before another block comes.
const MARK_EVERY: u64 = MOST_UNMARKED - WRITTEN_AT_ONCE as u64;

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
enum LoopEnd {
    Body(BodyEnd),
    /// Deleted or expired: nothing more may be written.
    Gone,
    Failed(MediaError),
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
        let span = trace_span!("media.transfer", direction = "up");
        let receiving = in_current_request(span.around(receiving).in_current_span());
        ToItsEnd::new(tracker.track_future(receiving)).await
    }

    async fn receive_all<S>(mut self, mut body: S, checksum: Option<Checksum>) -> Result<Received, MediaError>
    where
        S: Stream<Item = Result<Bytes, BodyEnd>> + Send + Unpin + 'static,
    {
        self.begin().await?;
        let start = self.offset();
        let mut checking = checksum.map(Checksum::begin);
        let mut buffer = Buffer::new(self.size() - start);
        let mut end = Box::pin(self.fill(&mut body, &mut buffer, &mut checking)).await;
        self.guard.waits(false);
        if buffer.bytes() > 0
            && let Err(error) = self.write(buffer.take()).await
        {
            end = LoopEnd::Failed(error);
        }
        metrics().media.moved(Direction::Up, self.offset().saturating_sub(start));
        if let Some(checking) = checking {
            let is_right = matches!(end, LoopEnd::Body(BodyEnd::Whole)) && checking.matches();
            if !is_right {
                // The row does not have it yet.
                self.writer.cut(start).await?;
                end = match end {
                    LoopEnd::Body(BodyEnd::Whole) => LoopEnd::Failed(MediaError::WrongChecksum),
                    other => other,
                };
            }
        }
        self.end(end).await
    }

    /// Notes what the store must remember before the first byte.
    async fn begin(&mut self) -> Result<(), MediaError> {
        let begun = self.writer.begin();
        let upload = held(self.lease.as_ref(), begun).await?;
        let Some(upload) = upload else { return Ok(()) };
        let kept = KeptBytes { offset: self.media.offset, upload: Some(upload) };
        match self.note(kept, Kept::Durably).await? {
            Marked::Gone => Err(MediaError::NotFound),
            Marked::Done | Marked::Wanted => Ok(()),
        }
    }

    /// Gathers and writes until the body ends.
    async fn fill<S>(&mut self, body: &mut S, buffer: &mut Buffer, checking: &mut Option<Checking>) -> LoopEnd
    where
        S: Stream<Item = Result<Bytes, BodyEnd>> + Send + Unpin + 'static,
    {
        let mut renewals = renewals();
        let stop = self.guard.stop();
        let mut stopped = std::pin::pin!(stop.cancelled());
        loop {
            self.guard.waits(true);
            let piece = tokio::select! {
                biased;
                () = &mut stopped => return LoopEnd::Body(BodyEnd::TakenOver),
                _ = renewals.tick(), if self.lease.is_some() => {
                    let renewed = match &self.lease {
                        Some(lease) => lease.renew().await,
                        None => None,
                    };
                    match renewed.and_then(ended) {
                        Some(end) => return end,
                        None => continue,
                    }
                }
                piece = body.next() => piece,
            };
            let mut piece = match piece {
                None => return LoopEnd::Body(BodyEnd::Whole),
                Some(Err(end)) => return LoopEnd::Body(end),
                Some(Ok(piece)) => piece,
            };
            self.guard.waits(false);
            let missing = self.size() - self.offset() - buffer.bytes();
            let is_too_long = piece.len() as u64 > missing;
            piece.truncate(usize::try_from(missing).unwrap_or(usize::MAX));
            if let Some(checking) = checking {
                checking.update(&piece);
            }
            while !piece.is_empty() {
                if let Some(block) = buffer.gather(&mut piece)
                    && let Err(error) = self.write(block).await
                {
                    return LoopEnd::Failed(error);
                }
            }
            if is_too_long {
                return LoopEnd::Body(BodyEnd::TooLong);
            }
            if checking.is_none() && self.offset() - self.media.offset >= MARK_EVERY {
                match self.mark(Kept::Soon).await {
                    Ok(None) => {}
                    Ok(Some(end)) => return end,
                    Err(error) => return LoopEnd::Failed(error),
                }
            }
        }
    }

    /// Writes a block, when messages leave room for it.
    async fn write(&mut self, block: Bytes) -> Result<(), MediaError> {
        self.service.governor.pace(Direction::Up, block.len() as u64).await;
        self.writer.write(block);
        Ok(held(self.lease.as_ref(), self.writer.written()).await?)
    }

    /// Ends the request: the file is complete, or its offset is marked.
    async fn end(mut self, end: LoopEnd) -> Result<Received, MediaError> {
        if let LoopEnd::Gone = end {
            return Err(MediaError::NotFound);
        }
        if self.offset() == self.size() {
            // Also when the body was cut behind its last byte, or a newer request waits.
            let end = match end {
                LoopEnd::Body(BodyEnd::TooLong) => BodyEnd::TooLong,
                LoopEnd::Failed(error) => return Err(error),
                _ => BodyEnd::Whole,
            };
            return Ok(Received { media: self.finish().await?, end });
        }
        if self.offset() != self.media.offset && matches!(self.mark(Kept::Durably).await?, Some(LoopEnd::Gone)) {
            return Err(MediaError::NotFound);
        }
        self.media.offset = self.offset();
        if let Some(lease) = self.lease.take() {
            lease.release().await;
        }
        match end {
            LoopEnd::Failed(error) => Err(error),
            LoopEnd::Body(end) => Ok(Received { media: self.media, end }),
            LoopEnd::Gone => Err(MediaError::NotFound),
        }
    }

    /// Notes in the row how much is kept for certain. Returns why the request must end, if it must.
    async fn mark(&mut self, kept: Kept) -> Result<Option<LoopEnd>, MediaError> {
        let keeping = self.writer.keep(kept == Kept::Durably);
        match held(self.lease.as_ref(), keeping).await {
            Ok(bytes) if bytes.offset == self.media.offset && kept == Kept::Soon => Ok(None),
            Ok(bytes) => Ok(ended(self.note(bytes, kept).await?)),
            Err(error) => {
                self.note_so_far().await?;
                Err(error.into())
            }
        }
    }

    /// Notes what is kept although something has failed.
    pub(super) async fn note_so_far(&mut self) -> Result<(), MediaError> {
        match self.writer.kept_so_far() {
            Some(kept) if kept.offset != self.media.offset => self.note(kept, Kept::Durably).await.map(drop),
            _ => Ok(()),
        }
    }

    /// Notes in the row what is kept for certain.
    pub(super) async fn note(&mut self, bytes: KeptBytes, kept: Kept) -> Result<Marked, MediaError> {
        let writer = self.lease.as_ref().map(|lease| lease.writer);
        let (id, now) = (self.media.id, self.service.clock.now());
        let upload = bytes.upload.as_deref();
        let marked = self.service.storage.mark_offset(id, bytes.offset, upload, writer, kept, now).await?;
        if marked != Marked::Gone {
            self.media.offset = bytes.offset;
            self.writer.noted();
        }
        Ok(marked)
    }
}

fn ended(marked: Marked) -> Option<LoopEnd> {
    match marked {
        Marked::Done => None,
        Marked::Wanted => Some(LoopEnd::Body(BodyEnd::TakenOver)),
        Marked::Gone => Some(LoopEnd::Gone),
    }
}
