//! The store on a disk of this machine: what waits for the disk runs on threads for that.

mod flush_queue;
mod reader;
mod threads;
mod writer;

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::disk::LocalDisk;
use super::files::{Files, Found, Unfinished};
use super::give_way::Governor;
use super::store::{BlobStore, Opened, Pieces};
use crate::domain::{Media, MediaId};
use crate::telemetry::Direction;
use flush_queue::FlushQueue;
use reader::pieces;
use threads::FileThreads;
use writer::LocalWriter;

/// Bytes that a disk frees at once. A disk that is told which blocks are free is busy with that for a while.
const FREED_AT_ONCE: u64 = 8 * 1024 * 1024;
/// The same while messages flow.
const FREED_BESIDE_MESSAGES: u64 = 1024 * 1024;

/// The store.
pub(super) struct LocalStore(Local);

type Local = Arc<Shared>;

/// What the store shares with its readers and writers.
struct Shared {
    files: Files<LocalDisk>,
    threads: FileThreads,
    flushes: FlushQueue,
}

impl LocalStore {
    /// Opens the store in this directory. With `syncs`, what is confirmed survives a power cut.
    pub(super) async fn open(root: PathBuf, syncs: bool, governor: Arc<Governor>) -> io::Result<Self> {
        let threads = FileThreads::new()?;
        let opened = threads.begin(move || Files::open(LocalDisk, root, syncs));
        let files = opened.await.map_err(io::Error::other)??;
        Ok(Self(Arc::new(Shared { files, threads, flushes: FlushQueue::new(governor) })))
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files<LocalDisk>) -> io::Result<T> + Send + 'static,
    ) -> BoxFuture<'static, io::Result<T>> {
        let local = self.0.clone();
        Box::pin(async move { run(&local, work).await })
    }

    /// Removes a file, a large one in steps: the disk is busy for as long as a step takes, and not for the whole file.
    async fn remove(&self, id: MediaId) -> io::Result<()> {
        loop {
            let governor = &self.0.flushes.governor;
            let bytes = if governor.gives_way() { FREED_BESIDE_MESSAGES } else { FREED_AT_ONCE };
            // To the disk, what goes is what comes.
            governor.pace(Direction::Up, bytes).await;
            if !flushed(&self.0, move |files| Ok(files.shrink(id, bytes))).await? {
                break;
            }
        }
        flushed(&self.0, move |files| files.remove(id)).await
    }
}

impl BlobStore for LocalStore {
    fn name(&self) -> &'static str {
        "local"
    }

    fn resume<'a>(&'a self, media: &'a Media) -> BoxFuture<'a, io::Result<Opened>> {
        let (id, offset, size, sha256) = (media.id, media.offset, media.size, media.sha256);
        Box::pin(async move {
            Ok(match self.run(move |files| files.resume(id, offset, size)).await? {
                Unfinished::Finished => Opened::Finished,
                Unfinished::Open(file, length) => {
                    Opened::Writer(Box::new(LocalWriter::new(self.0.clone(), (id, sha256), file, length)))
                }
            })
        })
    }

    fn read(&self, id: MediaId, size: u64, range: Range<u64>) -> BoxFuture<'_, io::Result<Option<Pieces>>> {
        let file = self.run(move |files| files.read(id, size));
        Box::pin(async move { Ok(file.await?.map(|file| pieces(self.0.clone(), Arc::new(file), range))) })
    }

    fn has(&self, id: MediaId, size: u64) -> BoxFuture<'_, io::Result<bool>> {
        self.run(move |files| Ok(files.read(id, size)?.is_some()))
    }

    fn remove<'a>(&'a self, media: &'a Media) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(self.remove(media.id))
    }

    fn remove_found<'a>(&'a self, found: &'a Found) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(self.remove(found.id))
    }

    fn list(&self) -> BoxStream<'_, io::Result<Vec<Found>>> {
        let shards = futures_util::stream::once(self.run(Files::list_shards));
        let shards = shards.map_ok(|shards| futures_util::stream::iter(shards.into_iter().map(Ok))).try_flatten();
        shards.and_then(|shard| self.run(move |files| files.list_files(&shard))).boxed()
    }

    fn lists_in_order(&self) -> bool {
        false
    }

    fn free_bytes(&self) -> BoxFuture<'_, io::Result<Option<u64>>> {
        self.run(|files| files.free_bytes().map(Some))
    }

    fn probe(&self) -> BoxFuture<'_, io::Result<()>> {
        self.run(|files| files.free_bytes().map(drop))
    }
}

/// Runs work that waits for the disk.
async fn run<T: Send + 'static>(
    local: &Local,
    work: impl FnOnce(&Files<LocalDisk>) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let shared = local.clone();
    local.threads.begin(move || work(&shared.files)).await.map_err(io::Error::other)?
}

/// Runs work that waits until bytes are on the disk, when it is its turn.
async fn flushed<T: Send + 'static>(
    local: &Local,
    work: impl FnOnce(&Files<LocalDisk>) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let _permit = local.flushes.take().await?;
    run(local, work).await
}
