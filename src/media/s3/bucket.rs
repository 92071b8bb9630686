//! The bucket: the names of objects, and the requests about them, each timed and its failure said.

use std::future::Future;
use std::io;
use std::ops::Range;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3;
use object_store::client::HttpClient;
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectMeta, ObjectStore as _, ObjectStoreExt as _};

use super::state::Piece;
use crate::domain::MediaId;
use crate::media::Pieces;
use crate::media::files::Found;
use crate::telemetry::{BucketOp, metrics};

/// Where pieces of unfinished files are.
const UNFINISHED: &str = "up";
/// Answers that say that something is gone which the request names: an object, an upload, or one of its parts.
const GONE: [&str; 3] = ["NoSuchKey", "NoSuchUpload", "InvalidPart"];
/// An answer that says it of the bucket.
const NO_BUCKET: &str = "NoSuchBucket";

/// A bucket, and what the names of its objects begin with.
pub(super) struct Bucket {
    s3: AmazonS3,
    prefix: String,
    /// For requests that the library does not know.
    pub(super) http: HttpClient,
    /// The URL of the bucket.
    pub(super) url: String,
    pub(super) region: String,
}

impl Bucket {
    pub(super) fn new(s3: AmazonS3, prefix: &str, http: HttpClient, url: String, region: String) -> Self {
        Self { s3, prefix: prefix.to_owned(), http, url, region }
    }

    pub(super) fn s3(&self) -> &AmazonS3 {
        &self.s3
    }

    /// Returns the name of a whole file.
    pub(super) fn whole(&self, id: MediaId) -> Path {
        let [first, second, ..] = id.0;
        self.path(&format!("{first:02x}/{second:02x}/{}", id.hex()))
    }

    /// Returns what the names of a file's pieces begin with.
    pub(super) fn pieces_of(&self, id: MediaId) -> Path {
        self.path(&format!("{UNFINISHED}/{}", id.hex()))
    }

    /// Returns the name of a piece of an unfinished file.
    pub(super) fn piece(&self, id: MediaId, name: &str) -> Path {
        self.path(&format!("{UNFINISHED}/{}/{name}", id.hex()))
    }

    /// Returns the name of an object that is none of a file.
    pub(super) fn path(&self, name: &str) -> Path {
        if self.prefix.is_empty() { Path::from(name) } else { Path::from(format!("{}/{name}", self.prefix)) }
    }

    /// Returns what an object is; `None` when it is not ours.
    pub(super) fn found(&self, object: &ObjectMeta) -> Option<Found> {
        let name = object.location.as_ref().strip_prefix(&self.prefix)?.trim_start_matches('/');
        let [first, second, last] = name.split('/').collect::<Vec<_>>().try_into().ok()?;
        let is_piece = first == UNFINISHED;
        let id = MediaId::from_hex(if is_piece { second } else { last })?;
        if !is_piece && self.whole(id) != object.location {
            return None;
        }
        #[expect(clippy::disallowed_methods, reason = "objects have the time of the service")]
        let age = SystemTime::now().duration_since(object.last_modified.into()).unwrap_or_default();
        Some(Found { id, bytes: object.size, is_finished: !is_piece, age, piece: is_piece.then(|| last.to_owned()) })
    }

    pub(super) async fn put(&self, path: &Path, bytes: Vec<Bytes>) -> io::Result<()> {
        timed(BucketOp::Put, self.s3.put(path, bytes.into_iter().collect())).await.map(drop)
    }

    /// Reads a part of a whole file; `None` when there is none of this size.
    pub(super) async fn get(&self, id: MediaId, size: u64, range: Range<u64>) -> io::Result<Option<Pieces>> {
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        match timed(BucketOp::Get, self.s3.get_opts(&self.whole(id), options)).await {
            Ok(found) if found.meta.size == size => {
                Ok(Some(found.into_stream().map_err(|error| failure(&error)).boxed()))
            }
            Ok(_) => Ok(None),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a whole object of some megabytes.
    pub(super) async fn get_whole(&self, path: &Path) -> io::Result<Bytes> {
        let got = async { self.s3.get(path).await?.bytes().await };
        timed(BucketOp::Get, got).await
    }

    /// Reads pieces of a file.
    pub(super) async fn get_pieces(&self, id: MediaId, pieces: &[Piece]) -> io::Result<Vec<Bytes>> {
        let mut bytes = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let found = self.get_whole(&self.piece(id, &piece.name)).await?;
            if found.len() as u64 != piece.bytes {
                return Err(io::Error::new(io::ErrorKind::NotFound, "a piece of the upload has another size"));
            }
            bytes.push(found);
        }
        Ok(bytes)
    }

    pub(super) async fn has(&self, id: MediaId, size: u64) -> io::Result<bool> {
        match timed(BucketOp::Head, self.s3.head(&self.whole(id))).await {
            Ok(found) => Ok(found.size == size),
            Err(error) if is_gone(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes an object, which may be gone.
    pub(super) async fn delete(&self, path: &Path) -> io::Result<()> {
        match timed(BucketOp::Delete, self.s3.delete(path)).await {
            Err(error) if is_gone(&error) => Ok(()),
            deleted => deleted,
        }
    }

    /// Lists what is below a name, or everything that is ours.
    pub(super) fn list(&self, below: Option<Path>) -> BoxStream<'static, io::Result<ObjectMeta>> {
        let all = (!self.prefix.is_empty()).then(|| Path::from(self.prefix.as_str()));
        self.s3.list(below.or(all).as_ref()).map_err(|error| failure(&error)).boxed()
    }

    /// Removes all pieces of a file.
    pub(super) async fn delete_pieces(&self, id: MediaId) -> io::Result<()> {
        let mut pieces = self.list(Some(self.pieces_of(id)));
        while let Some(object) = pieces.try_next().await? {
            self.delete(&object.location).await?;
        }
        Ok(())
    }

    /// Begins an upload in parts, and returns its id.
    pub(super) async fn begin(&self, id: MediaId) -> io::Result<String> {
        timed(BucketOp::Begin, self.s3.create_multipart(&self.whole(id))).await
    }

    /// Puts a part, and returns what the service calls it. The same may be put again.
    pub(super) async fn put_part(
        &self,
        id: MediaId,
        upload: &str,
        index: usize,
        bytes: Vec<Bytes>,
    ) -> io::Result<String> {
        let (path, upload) = (self.whole(id), upload.to_owned());
        let put = self.s3.put_part(&path, &upload, index, bytes.into_iter().collect());
        Ok(timed(BucketOp::Part, put).await?.content_id)
    }

    /// Makes one object of the parts.
    pub(super) async fn complete(&self, id: MediaId, upload: &str, parts: &[String]) -> io::Result<()> {
        let (path, upload) = (self.whole(id), upload.to_owned());
        let parts = parts.iter().map(|part| PartId { content_id: part.clone() }).collect();
        timed(BucketOp::Complete, self.s3.complete_multipart(&path, &upload, parts)).await.map(drop)
    }

    /// Ends an upload in parts, of which nothing stays. It may be over.
    pub(super) async fn abort(&self, id: MediaId, upload: &str) -> io::Result<()> {
        let (path, upload) = (self.whole(id), upload.to_owned());
        match timed(BucketOp::Abort, self.s3.abort_multipart(&path, &upload)).await {
            Err(error) if is_gone(&error) => Ok(()),
            aborted => aborted,
        }
    }
}

/// Returns whether an error says that what was named is gone.
pub(super) fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// Returns the error that callers of the store see: a request has failed.
pub(super) fn away(cause: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, format!("the bucket: {cause}"))
}

async fn timed<T>(op: BucketOp, request: impl Future<Output = object_store::Result<T>>) -> io::Result<T> {
    let begun = Instant::now();
    let result = request.await.map_err(|error| failure(&error));
    let has_failed = result.as_ref().is_err_and(|error| !is_gone(error));
    metrics().media.bucket(op, begun.elapsed(), has_failed);
    if let (Err(error), true) = (&result, has_failed) {
        tracing::warn!(op = op.as_str(), duration_ms = millis(begun.elapsed()), error = %error, "a request has failed");
    }
    result
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Turns an error of the library into one of the store, of the kind `NotFound` when what was named is gone.
fn failure(error: &Error) -> io::Error {
    // The answer of the service is in the innermost cause. On one line: XML has several.
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_missing = matches!(error, Error::NotFound { .. }) || GONE.iter().any(|code| text.contains(code));
    if is_missing && !text.contains(NO_BUCKET) {
        return io::Error::new(io::ErrorKind::NotFound, text);
    }
    away(text)
}
