//! Checks that the open SQLite store is still the one at its path.
//!
//! A file that was removed or replaced still takes writes, but a restart would not find them. So before each
//! transaction that writes, and again between its commit and its confirmation, the files at the path are compared with
//! those that are open: by device and inode, and, since `cp` writes into the same inode, by a number in the header that
//! differs in each run (`user_version`). That takes four system calls.
//!
//! A store that was moved away and is put back with its log is accepted again. In all other cases nothing is written
//! any more until a restart.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::storage::StorageError;
use crate::storage::engine::error::Lost;
use crate::storage::engine::sqlite::lock::{beside, canonical};

/// Offset of `user_version` in a SQLite file (<https://sqlite.org/fileformat2.html#the_database_header>).
#[cfg(unix)]
const MARK_AT: u64 = 60;

/// The open files, shared by all writers; empty while the store is being opened, and on PostgreSQL.
pub(in crate::storage) type SharedFiles = OnceLock<OpenFiles>;

/// The files of an open store.
#[derive(Debug)]
pub(in crate::storage) struct OpenFiles {
    path: PathBuf,
    /// Never closed while the store is open: closing any descriptor of it would drop the locks of SQLite
    /// (<https://sqlite.org/howtocorrupt.html> §2.2).
    file: File,
    database: FileId,
    logs: [(PathBuf, FileId); 2],
    /// The mark of this run; `None` when another program prevented the update of the header.
    mark: Option<[u8; 4]>,
    is_given_up: AtomicBool,
}

impl OpenFiles {
    /// Opens the files at `path`, which all connections use, with `mark` in the header.
    pub(in crate::storage) fn new(path: &Path, database: FileId, mark: i32) -> Result<Self, StorageError> {
        let lost = |how| StorageError::NotInPlace { path: path.to_owned(), how };
        let file = File::open(path).map_err(|_| lost(Lost::Removed))?;
        if file.metadata().ok().map(|metadata| FileId::from(&metadata)) != Some(database) {
            return Err(lost(Lost::Replaced));
        }
        // SQLite follows symbolic links before it names them.
        let real = canonical(path).map_err(|_| lost(Lost::Removed))?;
        let log = |suffix| {
            let log = beside(&real, suffix);
            FileId::of(&log).map(|id| (log, id)).ok_or(lost(Lost::Log))
        };
        let logs = [log("-wal")?, log("-shm")?];
        let mark = Some(mark.to_be_bytes()).filter(|mark| read_mark(&file) == Some(*mark));
        Ok(Self { path: path.to_owned(), file, database, logs, mark, is_given_up: AtomicBool::new(false) })
    }

    /// Returns [`StorageError::NotInPlace`] when a restart would not find what is written now.
    pub(in crate::storage) fn check(&self) -> Result<(), StorageError> {
        self.lost().map_or(Ok(()), |how| Err(StorageError::NotInPlace { path: self.path.clone(), how }))
    }

    /// Returns what has happened to the files, if anything.
    pub(in crate::storage) fn lost(&self) -> Option<Lost> {
        match FileId::of(&self.path) {
            None => return Some(Lost::Removed),
            Some(id) if id != self.database => return Some(Lost::Replaced),
            Some(_) => {}
        }
        if self.mark.is_some_and(|mark| read_mark(&self.file) != Some(mark)) {
            return Some(Lost::Overwritten);
        }
        self.logs.iter().any(|(path, id)| FileId::of(path) != Some(*id)).then_some(Lost::Log)
    }

    /// Returns whether this is the first call: the store is given up only once.
    pub(in crate::storage) fn give_up(&self) -> bool {
        !self.is_given_up.swap(true, Ordering::Relaxed)
    }

    /// Removes our log beside a database that has replaced ours. At the next start SQLite would apply it to that one.
    pub(in crate::storage) fn remove_log(&self) {
        for (path, id) in &self.logs {
            if FileId::of(path) == Some(*id) {
                // A file that cannot be removed stays, as without this attempt.
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

/// The identity of a file: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) struct FileId(u64, u64);

impl FileId {
    /// Returns the identity of the file at a path, through symbolic links.
    pub(in crate::storage) fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|metadata| Self::from(&metadata))
    }
}

impl From<&Metadata> for FileId {
    #[cfg(unix)]
    fn from(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self(metadata.dev(), metadata.ino())
    }

    /// Always the same, since files have no such number here: only a removed file is noticed.
    #[cfg(not(unix))]
    fn from(_: &Metadata) -> Self {
        Self(0, 0)
    }
}

#[cfg(unix)]
fn read_mark(file: &File) -> Option<[u8; 4]> {
    let mut mark = [0; 4];
    std::os::unix::fs::FileExt::read_exact_at(file, &mut mark, MARK_AT).ok()?;
    Some(mark)
}

#[cfg(not(unix))]
fn read_mark(_: &File) -> Option<[u8; 4]> {
    None
}
