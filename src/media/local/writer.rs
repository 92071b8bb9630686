//! An upload to the disk.
//!
//! What was written is sent to the disk in steps while more comes, one step of all uploads at a time. Whoever else
//! waits for the disk, as the writer of messages, waits behind one step, and not behind a whole file.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;

use super::reader::pieces;
use super::{Local, flushed, run};
use crate::domain::MediaId;
use crate::media::disk::Disk as _;
use crate::media::store::{BlobWriter, KeptBytes};
use crate::media::{MOST_UNMARKED, WRITTEN_AT_ONCE, digest_of};

/// Bytes of a step: a few milliseconds of a fast disk. A step costs a flush of the disk's own memory.
const STEP: u64 = 6 * 1024 * 1024;
/// The same while messages flow, which wait behind it.
const STEP_BESIDE_MESSAGES: u64 = 1024 * 1024;
/// Most bytes that are written and not on the disk for certain, with a block that comes: [`MOST_UNMARKED`] at most are
/// sent again after a crash.
const MOST_UNSYNCED: u64 = MOST_UNMARKED - WRITTEN_AT_ONCE as u64;

/// Something that is being done with the file, and how many bytes it will have come to then.
struct Doing {
    work: JoinHandle<io::Result<()>>,
    until: u64,
}

/// The writer.
pub(super) struct LocalWriter {
    local: Local,
    file: Arc<File>,
    id: MediaId,
    sha256: Option<[u8; 32]>,
    /// Bytes that are written.
    length: u64,
    writing: Option<Doing>,
    /// Bytes that are on the disk for certain.
    synced: u64,
    syncing: Option<Doing>,
    /// Whether the disk has lost bytes: it says so only once.
    has_lost: bool,
}

impl LocalWriter {
    /// A writer for the file of this id, of which `length` bytes are on the disk, and which is to have this digest.
    pub(super) fn new(local: Local, (id, sha256): (MediaId, Option<[u8; 32]>), file: File, length: u64) -> Self {
        let file = Arc::new(file);
        Self { local, file, id, sha256, length, writing: None, synced: length, syncing: None, has_lost: false }
    }

    /// Begins a step when it is due, after the one before.
    async fn sync_behind(&mut self) -> io::Result<()> {
        let begun = self.syncing.as_ref().map_or(self.synced, |syncing| syncing.until);
        if !self.local.files.syncs() {
            return Ok(());
        }
        let step = if self.local.flushes.governor.gives_way() { STEP_BESIDE_MESSAGES } else { STEP };
        if self.length - begun < step {
            // Another step may come beside the one that is on its way, as far as both do not come to too much.
            return if self.length - self.synced < MOST_UNSYNCED { Ok(()) } else { self.step_done().await };
        }
        self.step_done().await?;
        let (local, file) = (self.local.clone(), self.file.clone());
        let work = tokio::spawn(async move { flushed(&local, move |files| files.sync(&file)).await });
        self.syncing = Some(Doing { work, until: self.length });
        Ok(())
    }

    /// Waits for the step that was begun. May be cancelled and called again.
    async fn step_done(&mut self) -> io::Result<()> {
        if let Some(syncing) = &mut self.syncing {
            let (done, until) = ((&mut syncing.work).await, syncing.until);
            self.syncing = None;
            self.note_sync(done.unwrap_or_else(|error| Err(io::Error::other(error))), until)?;
        }
        if self.has_lost { Err(io::Error::other("the disk has lost bytes of this upload")) } else { Ok(()) }
    }

    /// Waits until all that is written is on the disk.
    async fn sync(&mut self) -> io::Result<()> {
        self.step_done().await?;
        if self.synced == self.length {
            return Ok(());
        }
        let file = self.file.clone();
        let done = flushed(&self.local, move |files| files.sync(&file)).await;
        self.note_sync(done, self.length)
    }

    fn note_sync(&mut self, done: io::Result<()>, until: u64) -> io::Result<()> {
        match &done {
            Ok(()) => self.synced = until,
            Err(_) => self.has_lost = true,
        }
        done
    }
}

impl BlobWriter for LocalWriter {
    fn length(&self) -> u64 {
        self.length
    }

    fn begin(&mut self) -> BoxFuture<'_, io::Result<Option<String>>> {
        Box::pin(async { Ok(None) })
    }

    fn write(&mut self, block: Bytes) {
        let (local, file, offset) = (self.local.clone(), self.file.clone(), self.length);
        let until = offset + block.len() as u64;
        let work = self.local.threads.begin(move || local.files.disk().write_at(&file, &block, offset));
        self.writing = Some(Doing { work, until });
    }

    fn written(&mut self) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            if let Some(writing) = &mut self.writing {
                let (done, until) = ((&mut writing.work).await, writing.until);
                self.writing = None;
                done.map_err(io::Error::other)??;
                self.length = until;
            }
            self.sync_behind().await
        })
    }

    fn keep(&mut self, all: bool) -> BoxFuture<'_, io::Result<KeptBytes>> {
        Box::pin(async move {
            if all {
                self.sync().await?;
            } else if self.syncing.as_ref().is_some_and(|syncing| syncing.work.is_finished()) {
                self.step_done().await?;
            }
            let offset = if self.local.files.syncs() { self.synced } else { self.length };
            Ok(KeptBytes { offset, upload: None })
        })
    }

    fn kept_so_far(&self) -> Option<KeptBytes> {
        // The row has what was on the disk before something failed.
        None
    }

    fn noted(&mut self) {}

    fn cut(&mut self, length: u64) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            self.step_done().await?;
            let file = self.file.clone();
            run(&self.local, move |files| files.disk().cut(&file, length)).await?;
            (self.length, self.synced) = (length, self.synced.min(length));
            Ok(())
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, io::Result<bool>> {
        Box::pin(async move {
            self.sync().await?;
            if let Some(sha256) = self.sha256
                && digest_of(pieces(self.local.clone(), self.file.clone(), 0..self.length)).await? != sha256
            {
                self.cut(0).await?;
                return Ok(false);
            }
            let id = self.id;
            flushed(&self.local, move |files| files.finish(id)).await?;
            Ok(true)
        })
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::media::BLOCK;
    use crate::media::disk::LocalDisk;
    use crate::media::files::{Files, Unfinished};
    use crate::media::local::flush_queue::FlushQueue;
    use crate::media::local::{FileThreads, Governor, Shared};

    const ID: MediaId = MediaId([7; 16]);

    fn local(dir: &TempDir) -> Local {
        let files = Files::open(LocalDisk, dir.path().to_owned(), true).unwrap();
        Arc::new(Shared {
            files,
            threads: FileThreads::new().unwrap(),
            flushes: FlushQueue::new(Arc::new(Governor::new(Arc::default()))),
        })
    }

    fn open(local: &Local) -> File {
        let Unfinished::Open(file, 0) = local.files.resume(ID, 0, 4 * STEP).unwrap() else { panic!("it is new") };
        file
    }

    async fn write(writer: &mut LocalWriter, block: Bytes) {
        writer.write(block);
        writer.written().await.unwrap();
    }

    #[tokio::test]
    async fn bytes_are_kept_step_by_step_while_more_come() {
        let dir = tempfile::tempdir().unwrap();
        let local = local(&dir);
        let mut writer = LocalWriter::new(local.clone(), (ID, None), open(&local), 0);
        let block = Bytes::from(vec![1; BLOCK]);
        write(&mut writer, block.clone()).await;
        assert_eq!(writer.keep(false).await.unwrap().offset, 0, "a step is not full");
        while writer.length() < 3 * STEP {
            write(&mut writer, block.clone()).await;
            assert!(writer.length() - writer.synced <= MOST_UNSYNCED, "more would be sent again");
        }
        // The second step begins after the first.
        let kept = writer.keep(false).await.unwrap().offset;
        assert!((STEP..=3 * STEP).contains(&kept), "{kept}");
        write(&mut writer, block.slice(..5)).await;
        assert_eq!(writer.keep(true).await.unwrap().offset, 3 * STEP + 5);
        writer.cut(STEP).await.unwrap();
        assert_eq!((writer.length(), writer.keep(true).await.unwrap().offset), (STEP, STEP));
        assert!(writer.finish().await.unwrap() && local.files.read(ID, STEP).unwrap().is_some());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_the_disk_has_lost_is_never_said_to_be_kept() {
        let dir = tempfile::tempdir().unwrap();
        let local = local(&dir);
        // It takes bytes, and cannot be synchronised.
        let file = File::options().write(true).open("/dev/null").unwrap();
        let mut writer = LocalWriter::new(local.clone(), (ID, None), file, 0);
        write(&mut writer, Bytes::from_static(b"lost")).await;
        assert!(writer.keep(true).await.is_err());
        // As the system, which says so once.
        writer.file = Arc::new(open(&local));
        assert!(writer.keep(true).await.is_err() && writer.finish().await.is_err());
        assert_eq!(writer.kept_so_far(), None);
    }
}
