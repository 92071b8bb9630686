//! The store of files for asynchronous callers: what waits for the disk runs on threads for that.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::{JoinHandle, spawn_blocking};

use super::disk::{Disk as _, LocalDisk};
use super::files::{Files, Found, Shard, Unfinished};
use crate::domain::MediaId;

/// The store of files. Clones are the same store.
#[derive(Clone)]
pub struct Blobs(Arc<Files<LocalDisk>>);

/// An upload that was opened to go on.
pub enum Opened {
    /// More can be written.
    Writer(BlobWriter),
    /// The file is whole, although the database was not told.
    Finished,
}

/// An unfinished file that is open to be written on. The caller sees to it that there is one a file.
pub struct BlobWriter {
    files: Arc<Files<LocalDisk>>,
    file: Arc<File>,
    id: MediaId,
    length: u64,
}

/// A write that is being carried out.
pub struct Pending(JoinHandle<(Vec<u8>, io::Result<()>)>);

/// A whole file that is open to be read.
#[derive(Clone)]
pub struct BlobReader {
    files: Arc<Files<LocalDisk>>,
    file: Arc<File>,
    size: u64,
}

impl Blobs {
    /// Opens the store in this directory, which is made with mode 0700 if it is not there. With `syncs`, what is
    /// confirmed survives a power cut.
    pub async fn open(root: PathBuf, syncs: bool) -> io::Result<Self> {
        let files = blocking(move || Files::open(LocalDisk, root, syncs)).await?;
        Ok(Self(Arc::new(files)))
    }

    /// Opens an unfinished file of which `offset` bytes of `size` count, or makes it. The writer has fewer bytes when
    /// the disk has lost some.
    pub async fn resume(&self, id: MediaId, offset: u64, size: u64) -> io::Result<Opened> {
        let files = self.0.clone();
        let resumed = self.run(move |files| files.resume(id, offset, size)).await?;
        Ok(match resumed {
            Unfinished::Finished => Opened::Finished,
            Unfinished::Open(file, length) => Opened::Writer(BlobWriter { files, file: Arc::new(file), id, length }),
        })
    }

    /// Opens a whole file; `None` when there is none of this size.
    pub async fn read(&self, id: MediaId, size: u64) -> io::Result<Option<BlobReader>> {
        let files = self.0.clone();
        let file = self.run(move |files| files.read(id, size)).await?;
        Ok(file.map(|file| BlobReader { files, file: Arc::new(file), size }))
    }

    /// Removes a file for good, whole or not; it may be gone already.
    pub async fn remove(&self, id: MediaId) -> io::Result<()> {
        self.run(move |files| files.remove(id)).await
    }

    /// Returns the directories that may hold files.
    pub async fn shards(&self) -> io::Result<Vec<Shard>> {
        self.run(Files::list_shards).await
    }

    /// Returns the files in one of them.
    pub async fn files_in(&self, shard: Shard) -> io::Result<Vec<Found>> {
        self.run(move |files| files.list_files(&shard)).await
    }

    /// Returns the bytes that can still be written to the file system of the store.
    pub async fn free_bytes(&self) -> io::Result<u64> {
        self.run(Files::free_bytes).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files<LocalDisk>) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let files = self.0.clone();
        blocking(move || work(&files)).await
    }
}

impl BlobWriter {
    /// Returns how many bytes have been written.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Begins to write a block behind what there is; [`wrote`](Self::wrote) must be called with its end.
    #[must_use]
    pub fn write(&self, block: Vec<u8>) -> Pending {
        let (files, file, length) = (self.files.clone(), self.file.clone(), self.length);
        Pending(spawn_blocking(move || {
            let written = files.disk().write_at(&file, &block, length);
            (block, written)
        }))
    }

    /// Waits for a write, and returns its buffer, empty. After an error the file is as long as it was, as far as
    /// counts.
    pub async fn wrote(&mut self, pending: Pending) -> io::Result<Vec<u8>> {
        let (mut block, written) = pending.0.await.map_err(io::Error::other)?;
        written?;
        self.length += block.len() as u64;
        block.clear();
        Ok(block)
    }

    /// Returns once what was written is on the disk.
    pub async fn sync(&self) -> io::Result<()> {
        let (files, file) = (self.files.clone(), self.file.clone());
        blocking(move || files.sync(&file)).await
    }

    /// Cuts the file: what is beyond `length` was never written.
    pub async fn cut(&mut self, length: u64) -> io::Result<()> {
        let (files, file) = (self.files.clone(), self.file.clone());
        blocking(move || files.disk().cut(&file, length)).await?;
        self.length = length;
        Ok(())
    }

    /// Puts the file, which is whole and on the disk, into its final place. It can be read from then on.
    pub async fn finish(self) -> io::Result<()> {
        let Self { files, id, .. } = self;
        blocking(move || files.finish(id)).await
    }

    /// Returns a reader of what is written, before it is finished.
    #[must_use]
    pub fn reader(&self) -> BlobReader {
        BlobReader { files: self.files.clone(), file: self.file.clone(), size: self.length }
    }
}

impl BlobReader {
    /// Returns the size of the file.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads `count` bytes from `offset` on into the buffer, and returns it. Fails when there are fewer.
    pub async fn read(&self, offset: u64, count: usize, mut buffer: Vec<u8>) -> io::Result<Vec<u8>> {
        let (files, file) = (self.files.clone(), self.file.clone());
        blocking(move || {
            buffer.resize(count, 0);
            files.disk().read_at(&file, &mut buffer, offset).map(|()| buffer)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}
