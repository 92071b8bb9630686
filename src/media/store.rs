//! What every store of files can do, and the store that the configuration names.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::files::Found;
use super::give_way::Governor;
use super::local::LocalStore;
use crate::config;
use crate::domain::{Media, MediaId};

/// The store of files. Clones are the same store.
pub type Blobs = Arc<dyn BlobStore>;

/// A file as it is read: its pieces in their order, of no more than some hundred KiB each.
pub type Pieces = BoxStream<'static, io::Result<Bytes>>;

/// Where the bytes of files are. A store away from this machine that does not answer as it should is an error of the
/// kind [`NotConnected`](io::ErrorKind::NotConnected).
pub trait BlobStore: Send + Sync + 'static {
    /// Returns its name in `media.store`.
    fn name(&self) -> &'static str;

    /// Opens an upload to go on with it, or begins it. Fewer bytes count than the row says when some are lost.
    fn resume<'a>(&'a self, media: &'a Media) -> BoxFuture<'a, io::Result<Opened>>;

    /// Opens a part of a whole file; `None` when there is none of this size.
    fn read(&self, id: MediaId, size: u64, range: Range<u64>) -> BoxFuture<'_, io::Result<Option<Pieces>>>;

    /// Returns whether there is a whole file of this size.
    fn has(&self, id: MediaId, size: u64) -> BoxFuture<'_, io::Result<bool>>;

    /// Removes all of a file for good, whole or not; it may be gone already.
    fn remove<'a>(&'a self, media: &'a Media) -> BoxFuture<'a, io::Result<()>>;

    /// Removes what was found.
    fn remove_found<'a>(&'a self, found: &'a Found) -> BoxFuture<'a, io::Result<()>>;

    /// Lists everything that is there, page by page. What has other names is not ours.
    fn list(&self) -> BoxStream<'_, io::Result<Vec<Found>>>;

    /// Returns whether [`list`](Self::list) has the whole files in the order of their ids, so that it is cheaper to
    /// read it than to ask for each file.
    fn lists_in_order(&self) -> bool;

    /// Returns the bytes that can still be written, where that has an end.
    fn free_bytes(&self) -> BoxFuture<'_, io::Result<Option<u64>>>;

    /// Fails when the store does not answer.
    fn probe(&self) -> BoxFuture<'_, io::Result<()>>;
}

/// An upload that was opened to go on.
pub enum Opened {
    /// More can be written.
    Writer(Box<dyn BlobWriter>),
    /// The file is whole and what was declared, although the database was not told.
    Finished,
}

/// How much of an upload is kept for certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBytes {
    /// The first so many bytes.
    pub offset: u64,
    /// What the store must remember of them; `None` when that is nothing new.
    pub upload: Option<String>,
}

/// An upload that is open to be written. The caller sees to it that there is one a file.
pub trait BlobWriter: Send + Sync {
    /// Returns how many bytes have been written. After an error it is what counts.
    fn length(&self) -> u64;

    /// Prepares for the first byte. Returns what must be remembered before it.
    fn begin(&mut self) -> BoxFuture<'_, io::Result<Option<String>>>;

    /// Begins to write a block behind what there is; [`written`](Self::written) must be called before the next. Its
    /// memory is given back when it is written.
    fn write(&mut self, block: Bytes);

    /// Waits until the block is written, and more can be. May be cancelled and called again.
    fn written(&mut self) -> BoxFuture<'_, io::Result<()>>;

    /// Returns what is kept for certain: with `all`, everything that was written.
    fn keep(&mut self, all: bool) -> BoxFuture<'_, io::Result<KeptBytes>>;

    /// Returns what is kept although something has failed.
    fn kept_so_far(&self) -> Option<KeptBytes>;

    /// Hears that the row says what [`keep`](Self::keep) or [`begin`](Self::begin) has returned.
    fn noted(&mut self);

    /// Drops what is beyond `length`, which is an offset that the database has; nothing more is written then.
    fn cut(&mut self, length: u64) -> BoxFuture<'_, io::Result<()>>;

    /// Makes the file, all of whose bytes are written, one that can be read. Returns false, and keeps no byte, when
    /// it is not what was declared.
    fn finish(&mut self) -> BoxFuture<'_, io::Result<bool>>;
}

/// Opens the store that the configuration names. `directory` is that of the local one, which is made with mode 0700 if
/// it is not there. Its waits for the disk give way to messages.
pub async fn open(media: &config::Media, directory: PathBuf, governor: Arc<Governor>) -> io::Result<Blobs> {
    match media.store {
        config::MediaStore::Local => Ok(Arc::new(LocalStore::open(directory, media.fsync, governor).await?)),
        #[cfg(feature = "s3")]
        config::MediaStore::S3 => Ok(Arc::new(super::s3::S3Store::open(&media.s3)?)),
        #[cfg(not(feature = "s3"))]
        config::MediaStore::S3 => Err(io::ErrorKind::Unsupported.into()),
    }
}
