//! One process at a time on a SQLite store.
//!
//! A process that writes holds an advisory lock on a file beside the database: a server for as long as it runs, and
//! each of the commands `migrate up`, `database`, `restore` and `copy-db` (on both its ends). So all that changes the
//! store goes through this process, and `store.last_seq` moves only by it. `backup` takes no lock: it reads one
//! snapshot.
//! The kernel gives the lock back when the process ends, however it ends. PostgreSQL needs none: there the row of
//! `store` orders the writers of all processes.
//!
//! Not on the database itself: closing any descriptor of it would drop the locks that SQLite holds in this process
//! (<https://sqlite.org/howtocorrupt.html> §2.2).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::storage::StorageError;

/// The suffix of the lock file, beside SQLite's `-wal`.
const SUFFIX: &str = "-lock";

/// The lock of a SQLite store, held until it is dropped or [released](Self::release).
#[derive(Debug)]
pub(in crate::storage) struct StoreLock {
    file: File,
    /// The canonical path of the database.
    database: PathBuf,
}

impl StoreLock {
    /// Takes the lock of this database, which need not exist yet. Returns [`StorageError::InUse`] at once when another
    /// process has it.
    pub(in crate::storage) fn take(database: &Path) -> Result<Self, StorageError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |reason| StorageError::Lock { path, reason }
        };
        let database = canonical(database).map_err(failed(database))?;
        let path = beside(&database, SUFFIX);
        let mut options = OpenOptions::new();
        // Not truncated: the file may hold the process id of the holder.
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(failed(&path))?;
        own_as(&file, &database);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                // Empty when the holder has not written its id yet.
                let holder = std::fs::read_to_string(&path).unwrap_or_default().trim().parse().ok();
                return Err(StorageError::InUse { path: database, holder });
            }
            Err(TryLockError::Error(reason)) => return Err(failed(&path)(reason)),
        }
        // Informative only: the lock itself is the kernel's.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { file, database })
    }

    /// Returns whether there is a lock file of this database, even one of this process.
    pub(in crate::storage) fn exists(database: &Path) -> bool {
        canonical(database).is_ok_and(|database| beside(&database, SUFFIX).exists())
    }

    /// Returns the canonical path of the database.
    pub(in crate::storage) fn database(&self) -> &Path {
        &self.database
    }

    /// Releases the lock before it is dropped.
    pub(in crate::storage) fn release(&self) {
        // On failure, the end of the process releases it.
        let _ = self.file.unlock();
    }
}

/// Returns the path without symbolic links. If the file does not exist, only those of its directory are resolved.
pub(in crate::storage) fn canonical(path: &Path) -> std::io::Result<PathBuf> {
    if path.exists() {
        return path.canonicalize();
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(std::io::ErrorKind::InvalidInput)?;
    Ok(parent.canonicalize()?.join(name))
}

/// Gives a file the owner of `path`, or of its directory when it does not exist: otherwise the server could not use
/// files that root has made. Has no effect for other users, who need none.
pub(in crate::storage) fn own_as(file: &File, path: &Path) {
    let owner = path.metadata().or_else(|_| path.parent().unwrap_or(Path::new("/")).metadata());
    #[cfg(unix)]
    if let Ok(owner) = owner {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let _ = fchown(file, Some(owner.uid()), Some(owner.gid()));
    }
}

/// Returns `path` with `suffix` appended to its file name.
pub(in crate::storage) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_by_whatever_path() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("real");
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, dir.path().join("directory")).unwrap();
        let database = real.join("a.db");
        // First there is no database yet, then there is.
        for exists in [false, true] {
            if exists {
                std::fs::write(&database, "").unwrap();
                std::os::unix::fs::symlink(&database, dir.path().join("b.db")).unwrap();
            }
            let held = StoreLock::take(&database).unwrap();
            let mut others = vec![database.clone(), dir.path().join("directory/a.db"), real.join("../real/./a.db")];
            others.extend(exists.then(|| dir.path().join("b.db")));
            for other in &others {
                let error = StoreLock::take(other).unwrap_err();
                let own = std::process::id();
                assert!(matches!(error, StorageError::InUse { holder: Some(pid), .. } if pid == own), "{other:?}");
            }
            StoreLock::take(&real.join("another.db")).unwrap();
            held.release();
            drop(StoreLock::take(&others[1]).unwrap());
            drop(StoreLock::take(&database).unwrap());
        }
    }
}
