//! The store in a bucket of S3, or of what speaks its protocol.
//!
//! A whole file is the object `ab/cd/<hex>`, as it would be on a disk, so that files can be copied from one to the
//! other. A larger one is uploaded to it in parts of 8 MiB, which S3 keeps and shows to nobody until they are made one
//! object. What a request leaves behind the last whole part is an object of its own, `up/<hex>/<name>`, until there is
//! enough for a part. Parts and these pieces are never changed; the row of the file names those that count
//! ([`UploadState`](state::UploadState)) in the same statement that says how many bytes count. So whatever is lost or
//! done twice, by a crash or by two servers, the row and the bucket agree.

mod bucket;
mod check;
mod client;
mod credentials;
mod state;
mod writer;

use std::io;
use std::ops::Range;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

pub use check::{BucketCheck, check};

use super::digest_of;
use super::files::Found;
use super::store::{BlobStore, Opened, Pieces};
use crate::config::MediaS3;
use crate::domain::{Media, MediaId};
use bucket::Bucket;
use state::UploadState;
use writer::S3Writer;

/// Objects that are listed at once.
const PAGE: usize = 1000;

/// The store.
pub(super) struct S3Store(Arc<Bucket>);

impl S3Store {
    /// Prepares for requests to the bucket, and makes none.
    pub(super) fn open(settings: &MediaS3) -> io::Result<Self> {
        Ok(Self(Arc::new(client::open(settings)?)))
    }

    /// Returns whether the whole object is there and what was declared. One that is not is removed.
    async fn is_finished(&self, media: &Media) -> io::Result<bool> {
        if !self.0.has(media.id, media.size).await? {
            return Ok(false);
        }
        let Some(sha256) = media.sha256 else { return Ok(true) };
        let Some(pieces) = self.0.get(media.id, media.size, 0..media.size).await? else { return Ok(false) };
        let is_right = digest_of(pieces).await? == sha256;
        if !is_right {
            self.0.delete(&self.0.whole(media.id)).await?;
        }
        Ok(is_right)
    }

    async fn remove_all(&self, media: &Media) -> io::Result<()> {
        let state = UploadState::of(media);
        if let Some(upload) = &state.upload {
            self.0.abort(media.id, upload).await?;
        }
        self.0.delete(&self.0.whole(media.id)).await?;
        // A whole file has pieces only after a crash at its end: those are found when files and rows are compared.
        if media.offset < media.size && (media.offset > 0 || media.upload.is_some()) {
            self.0.delete_pieces(media.id).await?;
        }
        Ok(())
    }
}

impl BlobStore for S3Store {
    fn name(&self) -> &'static str {
        "s3"
    }

    fn resume<'a>(&'a self, media: &'a Media) -> BoxFuture<'a, io::Result<Opened>> {
        Box::pin(async move {
            let state = UploadState::of(media);
            let is_new = media.offset == 0 && state == UploadState::default();
            if !is_new && self.is_finished(media).await? {
                return Ok(Opened::Finished);
            }
            Ok(Opened::Writer(Box::new(S3Writer::new(self.0.clone(), media, state))))
        })
    }

    fn read(&self, id: MediaId, size: u64, range: Range<u64>) -> BoxFuture<'_, io::Result<Option<Pieces>>> {
        Box::pin(self.0.get(id, size, range))
    }

    fn has(&self, id: MediaId, size: u64) -> BoxFuture<'_, io::Result<bool>> {
        Box::pin(self.0.has(id, size))
    }

    fn remove<'a>(&'a self, media: &'a Media) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(self.remove_all(media))
    }

    fn remove_found<'a>(&'a self, found: &'a Found) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move {
            let path = match &found.piece {
                Some(name) => self.0.piece(found.id, name),
                None => self.0.whole(found.id),
            };
            self.0.delete(&path).await
        })
    }

    fn list(&self) -> BoxStream<'_, io::Result<Vec<Found>>> {
        let pages = self.0.list(None).chunks(PAGE);
        let page = |objects: Vec<io::Result<_>>| {
            let found = objects.into_iter().filter_map(|object| object.map(|object| self.0.found(&object)).transpose());
            found.collect()
        };
        pages.map(page).boxed()
    }

    fn lists_in_order(&self) -> bool {
        true
    }

    fn free_bytes(&self) -> BoxFuture<'_, io::Result<Option<u64>>> {
        Box::pin(async { Ok(None) })
    }

    fn probe(&self) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async {
            let mut none = self.0.list(Some(self.0.pieces_of(MediaId([0; 16]))));
            none.next().await.transpose().map(drop)
        })
    }
}
