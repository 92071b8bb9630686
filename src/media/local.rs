//! The store on a disk of this machine: what waits for the disk runs on threads for that.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::task::{JoinHandle, spawn_blocking};

use super::disk::{Disk as _, LocalDisk};
use super::files::{Files, Found, Unfinished};
use super::store::{BlobStore, BlobWriter, KeptBytes, Opened, Pieces};
use super::{BLOCK, digest_of};
use crate::domain::{Media, MediaId};

type Local = Arc<Files<LocalDisk>>;

/// The store.
pub(super) struct LocalStore(Local);

struct LocalWriter {
    files: Local,
    file: Arc<File>,
    id: MediaId,
    sha256: Option<[u8; 32]>,
    length: u64,
    pending: Option<JoinHandle<(Vec<u8>, io::Result<()>)>>,
}

impl LocalStore {
    /// Opens the store in this directory. With `syncs`, what is confirmed survives a power cut.
    pub(super) async fn open(root: PathBuf, syncs: bool) -> io::Result<Self> {
        let files = blocking(move || Files::open(LocalDisk, root, syncs)).await?;
        Ok(Self(Arc::new(files)))
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files<LocalDisk>) -> io::Result<T> + Send + 'static,
    ) -> BoxFuture<'static, io::Result<T>> {
        run(&self.0, work)
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
                    let (files, file) = (self.0.clone(), Arc::new(file));
                    Opened::Writer(Box::new(LocalWriter { files, file, id, sha256, length, pending: None }))
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
        let id = media.id;
        self.run(move |files| files.remove(id))
    }

    fn remove_found<'a>(&'a self, found: &'a Found) -> BoxFuture<'a, io::Result<()>> {
        let id = found.id;
        self.run(move |files| files.remove(id))
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

impl BlobWriter for LocalWriter {
    fn length(&self) -> u64 {
        self.length
    }

    fn begin(&mut self) -> BoxFuture<'_, io::Result<Option<String>>> {
        Box::pin(async { Ok(None) })
    }

    fn write(&mut self, block: Vec<u8>) {
        let (files, file, length) = (self.files.clone(), self.file.clone(), self.length);
        self.pending = Some(spawn_blocking(move || {
            let written = files.disk().write_at(&file, &block, length);
            (block, written)
        }));
    }

    fn written(&mut self) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        Box::pin(async move {
            let Some(pending) = &mut self.pending else { return Ok(Vec::new()) };
            let written = pending.await.map_err(io::Error::other);
            self.pending = None;
            let (mut block, result) = written?;
            result?;
            self.length += block.len() as u64;
            block.clear();
            Ok(block)
        })
    }

    fn keep(&mut self, _: bool) -> BoxFuture<'_, io::Result<KeptBytes>> {
        let (kept, file) = (KeptBytes { offset: self.length, upload: None }, self.file.clone());
        let synced = run(&self.files, move |files| files.sync(&file));
        Box::pin(async move { synced.await.map(|()| kept) })
    }

    fn kept_so_far(&self) -> Option<KeptBytes> {
        // After a failed sync nothing is known of what is on the disk; the row has what was before it.
        None
    }

    fn noted(&mut self) {}

    fn cut(&mut self, length: u64) -> BoxFuture<'_, io::Result<()>> {
        let file = self.file.clone();
        Box::pin(async move {
            run(&self.files, move |files| files.disk().cut(&file, length)).await?;
            self.length = length;
            Ok(())
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, io::Result<bool>> {
        Box::pin(async move {
            let file = self.file.clone();
            run(&self.files, move |files| files.sync(&file)).await?;
            if let Some(sha256) = self.sha256
                && digest_of(pieces(self.files.clone(), self.file.clone(), 0..self.length)).await? != sha256
            {
                self.cut(0).await?;
                return Ok(false);
            }
            let id = self.id;
            run(&self.files, move |files| files.finish(id)).await?;
            Ok(true)
        })
    }
}

/// Reads a part of a file, block by block.
fn pieces(files: Local, file: Arc<File>, range: Range<u64>) -> Pieces {
    let blocks = futures_util::stream::try_unfold(range.start, move |offset| {
        let (files, file) = (files.clone(), file.clone());
        async move {
            let count = usize::try_from(range.end.saturating_sub(offset)).unwrap_or(BLOCK).min(BLOCK);
            if count == 0 {
                return Ok(None);
            }
            let read = run(&files, move |files| {
                let mut block = vec![0; count];
                files.disk().read_at(&file, &mut block, offset).map(|()| block)
            });
            Ok(Some((Bytes::from(read.await?), offset + count as u64)))
        }
    });
    blocks.boxed()
}

fn run<T: Send + 'static>(
    files: &Local,
    work: impl FnOnce(&Files<LocalDisk>) -> io::Result<T> + Send + 'static,
) -> BoxFuture<'static, io::Result<T>> {
    let files = files.clone();
    Box::pin(blocking(move || work(&files)))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}
