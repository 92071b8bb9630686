//! One process at a time on a SQLite store.
//!
//! A process that writes holds an advisory lock on a file beside the database: a server for as long as it runs, and
//! each of the commands `migrate up`, `database`, `restore` and `copy-db` (on both its ends). So all that changes the
//! store goes through this process, and `store.head` moves only by it. `backup` takes no lock: it reads one snapshot.
//! The kernel gives the lock back when the process ends, however it ends. PostgreSQL needs none: there the row of
//! `store` orders the writers of all processes.
//!
//! Not on the database itself: closing any descriptor of it would drop the locks that SQLite holds in this process
//! (<https://sqlite.org/howtocorrupt.html> §2.2).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::storage::StorageError;

/// What is added to the database's name, as SQLite adds `-wal`.
const SUFFIX: &str = "-lock";

/// Held until it is dropped or [released](Self::release).
#[derive(Debug)]
pub(in crate::storage) struct StoreLock {
    file: File,
    /// The database by the one name that all paths to it lead to.
    database: PathBuf,
}

impl StoreLock {
    /// Takes the lock of this database, which need not exist yet; [`StorageError::InUse`] when another has it, without
    /// waiting.
    pub(in crate::storage) fn take(database: &Path) -> Result<Self, StorageError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |reason| StorageError::Lock { path, reason }
        };
        let database = canonical(database).map_err(failed(database))?;
        let path = beside(&database, SUFFIX);
        let mut options = OpenOptions::new();
        // What is in it is the holder's: it must not be lost by opening.
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(failed(&path))?;
        own_as(&file, &database);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                // The holder may not have written it yet.
                let holder = std::fs::read_to_string(&path).unwrap_or_default().trim().parse().ok();
                return Err(StorageError::InUse { path: database, holder });
            }
            Err(TryLockError::Error(reason)) => return Err(failed(&path)(reason)),
        }
        // Only to tell who it is.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { file, database })
    }

    /// Whether a store was ever locked here, by this process perhaps.
    pub(in crate::storage) fn exists(database: &Path) -> bool {
        canonical(database).is_ok_and(|database| beside(&database, SUFFIX).exists())
    }

    /// The database, without symbolic links.
    pub(in crate::storage) fn database(&self) -> &Path {
        &self.database
    }

    /// Gives it back before it is dropped.
    pub(in crate::storage) fn release(&self) {
        // Nothing else can be done than what ending the process does.
        let _ = self.file.unlock();
    }
}

/// The path without symbolic links; of a file that does not exist, with those of its directory resolved.
pub(in crate::storage) fn canonical(path: &Path) -> std::io::Result<PathBuf> {
    if path.exists() {
        return path.canonicalize();
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(std::io::ErrorKind::InvalidInput)?;
    Ok(parent.canonicalize()?.join(name))
}

/// Gives a file the owner of `path`, or of its directory when it does not exist: what root makes is of no use to the
/// server otherwise. For other users it has no effect, and they need none.
pub(in crate::storage) fn own_as(file: &File, path: &Path) {
    let owner = path.metadata().or_else(|_| path.parent().unwrap_or(Path::new("/")).metadata());
    #[cfg(unix)]
    if let Ok(owner) = owner {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let _ = fchown(file, Some(owner.uid()), Some(owner.gid()));
    }
}

/// The file whose name is that of `path` with `suffix`.
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
