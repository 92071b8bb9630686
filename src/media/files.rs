//! The store of files on a disk: which file is where, and in which order things are done so that a crash at any moment
//! leaves a state that can go on.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::disk::{DirectoryEntry, Disk};
use crate::domain::MediaId;
use crate::telemetry::metrics;

/// The directory of unfinished files.
const UNFINISHED: &str = "up";

/// The files below one directory.
pub(super) struct Files<D> {
    disk: D,
    root: PathBuf,
    /// Whether to wait for the disk; without, a power cut loses what the operating system had not written yet.
    syncs: bool,
}

/// An unfinished file that was opened to be written on.
pub(super) enum Unfinished<F> {
    /// It has so many bytes, at most as many as the database says.
    Open(F, u64),
    /// It was finished already, before the database was told.
    Finished,
}

/// A directory that holds files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shard(PathBuf);

/// A file that was found in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its id, by its name.
    pub id: MediaId,
    /// Its size.
    pub bytes: u64,
    /// Whether it is in the place of whole files.
    pub is_finished: bool,
    /// How long ago it was last written.
    pub age: Duration,
    /// The name of one piece of an unfinished file, in a store that has these one by one.
    pub piece: Option<String>,
}

impl<D: Disk> Files<D> {
    /// The files below `root`, which is made if it is not there.
    pub(super) fn open(disk: D, root: PathBuf, syncs: bool) -> io::Result<Self> {
        disk.make_directory(&root.join(UNFINISHED))?;
        let files = Self { disk, root, syncs };
        files.sync_directory(&files.root)?;
        Ok(files)
    }

    pub(super) fn disk(&self) -> &D {
        &self.disk
    }

    /// Returns whether [`sync`](Self::sync) waits for the disk.
    pub(super) fn syncs(&self) -> bool {
        self.syncs
    }

    /// Opens an unfinished file of which `offset` bytes of `size` count: what is beyond is cut off. It has fewer bytes
    /// when the disk has lost some, and is made when it is not there.
    pub(super) fn resume(&self, id: MediaId, offset: u64, size: u64) -> io::Result<Unfinished<D::File>> {
        let path = self.unfinished(id);
        match self.disk.open(&path, true) {
            Ok(file) => {
                let bytes = self.disk.bytes(&file)?;
                if bytes > offset {
                    self.disk.cut(&file, offset)?;
                }
                return Ok(Unfinished::Open(file, bytes.min(offset)));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // Only what is whole was ever put there.
        if self.read(id, size)?.is_some() {
            return Ok(Unfinished::Finished);
        }
        let file = self.disk.create(&path)?;
        self.sync_directory(&self.root.join(UNFINISHED))?;
        Ok(Unfinished::Open(file, 0))
    }

    /// Waits until the content of the file is on the disk.
    pub(super) fn sync(&self, file: &D::File) -> io::Result<()> {
        if !self.syncs {
            return Ok(());
        }
        let begun = Instant::now();
        let synced = self.disk.sync(file);
        metrics().media.fsync_seconds.record(begun.elapsed());
        synced
    }

    /// Puts a file whose content is on the disk into its final place.
    pub(super) fn finish(&self, id: MediaId) -> io::Result<()> {
        let (outer, inner) = self.shards(id);
        self.disk.make_directory(&inner)?;
        // Also when they were there: whoever has made them may have been stopped before this.
        self.sync_directory(&self.root)?;
        self.sync_directory(&outer)?;
        self.disk.rename(&self.unfinished(id), &inner.join(id.hex()))?;
        self.sync_directory(&inner)?;
        self.sync_directory(&self.root.join(UNFINISHED))
    }

    /// Opens a whole file; `None` when it is not there, or has not this size.
    pub(super) fn read(&self, id: MediaId, size: u64) -> io::Result<Option<D::File>> {
        match self.disk.open(&self.finished(id), false) {
            Ok(file) => Ok((self.disk.bytes(&file)? == size).then_some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Frees so many bytes at the end of a file that is to be removed, and returns whether that was a step before
    /// others. Whoever reads it finds it cut off.
    pub(super) fn shrink(&self, id: MediaId, bytes: u64) -> bool {
        let shrink = |path: &Path| -> io::Result<bool> {
            let file = self.disk.open(path, true)?;
            let Some(rest) = self.disk.bytes(&file)?.checked_sub(bytes).filter(|rest| *rest > 0) else {
                return Ok(false);
            };
            self.disk.cut(&file, rest)?;
            self.disk.sync(&file).map(|()| true)
        };
        // What fails, or is not there, is a matter of the removal.
        self.syncs && [self.unfinished(id), self.finished(id)].iter().any(|path| shrink(path).unwrap_or(false))
    }

    /// Removes a file wherever it is, for good; it may be gone already.
    pub(super) fn remove(&self, id: MediaId) -> io::Result<()> {
        for path in [self.unfinished(id), self.finished(id)] {
            match self.disk.remove(&path) {
                Ok(()) => self.sync_directory(path.parent().unwrap_or(&self.root))?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns the directories that may hold files.
    pub(super) fn list_shards(&self) -> io::Result<Vec<Shard>> {
        let mut shards = vec![Shard(self.root.join(UNFINISHED))];
        for outer in self.directories(&self.root)? {
            shards.extend(self.directories(&outer)?.into_iter().map(Shard));
        }
        Ok(shards)
    }

    /// Returns the files in a directory; what has other names is not ours.
    pub(super) fn list_files(&self, shard: &Shard) -> io::Result<Vec<Found>> {
        #[expect(clippy::disallowed_methods, reason = "files have the time of this machine")]
        let now = SystemTime::now();
        let is_finished = shard.0 != self.root.join(UNFINISHED);
        let found = |entry: DirectoryEntry| {
            let id = MediaId::from_hex(&entry.name).filter(|_| !entry.is_directory)?;
            let age = now.duration_since(entry.changed).unwrap_or_default();
            Some(Found { id, bytes: entry.bytes, is_finished, age, piece: None })
        };
        Ok(self.disk.list(&shard.0)?.into_iter().filter_map(found).collect())
    }

    /// Returns the bytes that can still be written.
    pub(super) fn free_bytes(&self) -> io::Result<u64> {
        self.disk.free_bytes(&self.root)
    }

    /// Returns the directories of two hexadecimal digits in `path`.
    fn directories(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let is_shard = |name: &str| name.len() == 2 && name.bytes().all(|b| b.is_ascii_hexdigit());
        let entries = self.disk.list(path)?.into_iter();
        let ours = entries.filter(|entry| entry.is_directory && is_shard(&entry.name));
        Ok(ours.map(|entry| path.join(entry.name)).collect())
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        if self.syncs { self.disk.sync_directory(path) } else { Ok(()) }
    }

    fn unfinished(&self, id: MediaId) -> PathBuf {
        self.root.join(UNFINISHED).join(id.hex())
    }

    fn finished(&self, id: MediaId) -> PathBuf {
        self.shards(id).1.join(id.hex())
    }

    /// Returns the two directories, one in the other, of a whole file.
    fn shards(&self, id: MediaId) -> (PathBuf, PathBuf) {
        let [first, second, ..] = id.0;
        let outer = self.root.join(format!("{first:02x}"));
        let inner = outer.join(format!("{second:02x}"));
        (outer, inner)
    }
}

#[cfg(test)]
mod tests;
