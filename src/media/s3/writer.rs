//! An upload into a bucket.

use std::io;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;

use super::bucket::{Bucket, away, is_gone};
use super::state::{Piece, UploadState};
use crate::config::S3_PART;
use crate::domain::{Media, MediaId};
use crate::media::digest_of;
use crate::media::digests::digest_bytes;
use crate::media::store::{BlobWriter, KeptBytes};

/// Pieces behind the parts, after which they become one: a client that sends few bytes a request makes many.
const MAX_PIECES: usize = 16;

/// The writer. What is gathered for the next part is in memory.
pub(super) struct S3Writer {
    bucket: Arc<Bucket>,
    id: MediaId,
    size: u64,
    /// Whether the file is larger than a part.
    has_parts: bool,
    sha256: Option<[u8; 32]>,
    /// The digest of all bytes, while they have all come by here.
    digest: Option<Context>,
    /// What is kept for certain.
    state: UploadState,
    /// Whether other requests were there before.
    is_resumed: bool,
    /// What the row says.
    noted: UploadState,
    /// Bytes behind those.
    gathered: Vec<Bytes>,
    gathered_bytes: u64,
    pending: Pending,
    /// Pieces that are in a part now, or in a larger piece, but that the row still names.
    stale: Vec<Piece>,
}

enum Pending {
    Nothing,
    /// A block that does not fill the part.
    Block(Bytes),
    /// The part that was filled, and what of the block is behind it.
    Part(JoinHandle<io::Result<String>>, Bytes),
}

impl S3Writer {
    pub(super) fn new(bucket: Arc<Bucket>, media: &Media, state: UploadState) -> Self {
        Self {
            bucket,
            id: media.id,
            size: media.size,
            has_parts: media.size > S3_PART,
            sha256: media.sha256,
            digest: media.sha256.filter(|_| state.bytes() == 0).map(|_| Context::new(&SHA256)),
            is_resumed: state != UploadState::default(),
            noted: state.clone(),
            state,
            gathered: Vec::new(),
            gathered_bytes: 0,
            pending: Pending::Nothing,
            stale: Vec::new(),
        }
    }

    fn forget_gathered(&mut self) {
        self.gathered.clear();
        self.gathered_bytes = 0;
        self.digest = None;
    }

    /// Says that a request has failed: what was gathered is lost, and all that was kept if the upload is gone.
    fn failed(&mut self, error: io::Error) -> io::Error {
        self.forget_gathered();
        if !is_gone(&error) {
            return error;
        }
        tracing::error!(media.id = %self.id, error = %error, "the bucket has lost an upload, which must be sent again");
        self.state = UploadState::default();
        away(error)
    }

    /// Reads the pieces behind the parts, and adds what was gathered.
    fn unfinished_part(&self) -> impl Future<Output = io::Result<Vec<Bytes>>> + Send + 'static {
        let (bucket, id, rest, gathered) =
            (self.bucket.clone(), self.id, self.state.rest.clone(), self.gathered.clone());
        async move {
            let mut bytes = bucket.get_pieces(id, &rest).await?;
            bytes.extend(gathered);
            Ok(bytes)
        }
    }

    /// Begins to send the part that is gathered.
    fn send_part(&self) -> JoinHandle<io::Result<String>> {
        let (bucket, id, index, bytes) = (self.bucket.clone(), self.id, self.state.parts.len(), self.unfinished_part());
        let upload = self.state.upload.clone();
        tokio::spawn(async move {
            let upload = upload.ok_or_else(|| away("a part before its upload"))?;
            bucket.put_part(id, &upload, index, bytes.await?).await
        })
    }

    /// Says that what was gathered is a part.
    fn sent(&mut self, part: String) {
        self.state.parts.push(part);
        self.stale.append(&mut self.state.rest);
        self.gathered.clear();
        self.gathered_bytes = 0;
    }

    fn gather(&mut self, block: Bytes) {
        self.gathered_bytes += block.len() as u64;
        self.gathered.extend((!block.is_empty()).then_some(block));
    }

    /// Keeps what was gathered as a piece, or as one with the pieces before it.
    async fn keep_gathered(&mut self) -> io::Result<()> {
        let is_one = self.state.rest.len() + 1 >= MAX_PIECES;
        let bytes = if is_one { self.unfinished_part().await? } else { self.gathered.clone() };
        let piece = Piece {
            name: format!("{:016x}", rand::random::<u64>()),
            bytes: bytes.iter().map(|bytes| bytes.len() as u64).sum(),
        };
        self.bucket.put(&self.bucket.piece(self.id, &piece.name), bytes).await?;
        if is_one {
            self.stale.append(&mut self.state.rest);
        }
        self.state.rest.push(piece);
        self.gathered.clear();
        self.gathered_bytes = 0;
        Ok(())
    }

    /// Makes the object of the file.
    async fn make_whole(&mut self) -> io::Result<()> {
        if !self.has_parts {
            let bytes = self.unfinished_part().await?;
            return self.bucket.put(&self.bucket.whole(self.id), bytes).await;
        }
        if self.state.rest_bytes() + self.gathered_bytes > 0 {
            let part = self.send_part().await.map_err(io::Error::other)??;
            self.sent(part);
        }
        let upload = self.state.upload.clone().ok_or_else(|| away("parts without an upload"))?;
        match self.bucket.complete(self.id, &upload, &self.state.parts).await {
            Ok(()) => Ok(()),
            // It may be done, and the answer lost.
            Err(error) => match self.bucket.has(self.id, self.size).await {
                Ok(true) => Ok(()),
                _ => Err(error),
            },
        }
    }

    /// Returns whether the file is known not to be what was declared, before it is made one object.
    fn is_wrong(&mut self) -> bool {
        let digest = self.digest.take().map(digest_bytes);
        digest.is_some() && digest != self.sha256
    }

    /// Removes everything, the object of the file too if it was made.
    async fn drop_all(&mut self, was_made: bool) -> io::Result<()> {
        self.forget_gathered();
        if was_made {
            self.bucket.delete(&self.bucket.whole(self.id)).await?;
        } else if let Some(upload) = &self.state.upload {
            self.bucket.abort(self.id, upload).await?;
        }
        self.stale.append(&mut self.state.rest);
        self.state = UploadState::default();
        Ok(())
    }

    /// Removes pieces that nothing names any more, whatever becomes of the request.
    fn remove_stale(&mut self) {
        let (bucket, id, stale) = (self.bucket.clone(), self.id, std::mem::take(&mut self.stale));
        if stale.is_empty() {
            return;
        }
        tokio::spawn(async move {
            for piece in stale {
                // What fails is found when files and rows are compared.
                let _ = bucket.delete(&bucket.piece(id, &piece.name)).await;
            }
        });
    }
}

impl BlobWriter for S3Writer {
    fn length(&self) -> u64 {
        self.state.bytes() + self.gathered_bytes
    }

    fn begin(&mut self) -> BoxFuture<'_, io::Result<Option<String>>> {
        Box::pin(async move {
            if !self.has_parts || self.state.upload.is_some() {
                return Ok(None);
            }
            self.state.upload = Some(self.bucket.begin(self.id).await?);
            Ok(Some(self.state.text()))
        })
    }

    fn write(&mut self, mut block: Bytes) {
        if let Some(digest) = &mut self.digest {
            digest.update(&block);
        }
        let room = S3_PART.saturating_sub(self.state.rest_bytes() + self.gathered_bytes);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        self.pending = if self.has_parts && block.len() >= room {
            let behind = block.split_off(room);
            self.gathered.push(block);
            Pending::Part(self.send_part(), behind)
        } else {
            Pending::Block(block)
        };
    }

    fn written(&mut self) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            let part = match &mut self.pending {
                Pending::Part(task, _) => Some(task.await.unwrap_or_else(|error| Err(io::Error::other(error)))),
                _ => None,
            };
            match (std::mem::replace(&mut self.pending, Pending::Nothing), part) {
                (Pending::Block(block), _) => self.gather(block),
                (Pending::Part(_, behind), Some(Ok(part))) => {
                    self.sent(part);
                    self.gather(behind);
                }
                (_, Some(Err(error))) => return Err(self.failed(error)),
                _ => {}
            }
            Ok(())
        })
    }

    fn keep(&mut self, all: bool) -> BoxFuture<'_, io::Result<KeptBytes>> {
        Box::pin(async move {
            if all && self.gathered_bytes > 0 {
                self.keep_gathered().await.map_err(|error| self.failed(error))?;
            }
            Ok(KeptBytes { offset: self.state.bytes(), upload: Some(self.state.text()) })
        })
    }

    fn kept_so_far(&self) -> Option<KeptBytes> {
        Some(KeptBytes { offset: self.state.bytes(), upload: Some(self.state.text()) })
    }

    fn noted(&mut self) {
        self.noted = self.state.clone();
        self.remove_stale();
    }

    fn cut(&mut self, _: u64) -> BoxFuture<'_, io::Result<()>> {
        // Parts and pieces that nothing names do not count, and the next part takes the place of one.
        self.forget_gathered();
        self.stale.clear();
        self.state = self.noted.clone();
        Box::pin(async { Ok(()) })
    }

    fn finish(&mut self) -> BoxFuture<'_, io::Result<bool>> {
        Box::pin(async move {
            let is_known = self.digest.is_some();
            if self.is_wrong() {
                self.drop_all(false).await?;
                return Ok(false);
            }
            self.make_whole().await.map_err(|error| self.failed(error))?;
            if let Some(sha256) = self.sha256.filter(|_| !is_known) {
                let whole = self.bucket.get(self.id, self.size, 0..self.size).await?;
                let whole = whole.ok_or_else(|| away("the file that was just made is not there"))?;
                if digest_of(whole).await? != sha256 {
                    self.drop_all(true).await?;
                    return Ok(false);
                }
            }
            self.stale.append(&mut self.state.rest);
            self.remove_stale();
            if self.is_resumed {
                // Those too that nothing names, because a server was killed.
                let (bucket, id) = (self.bucket.clone(), self.id);
                tokio::spawn(async move { bucket.delete_pieces(id).await });
            }
            Ok(true)
        })
    }
}
