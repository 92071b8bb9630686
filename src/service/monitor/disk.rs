//! The room on a disk.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::telemetry::metrics;

/// Stands for a number that is not known.
const UNKNOWN: u64 = u64::MAX;

/// The size of a database, as it was last seen; [`UNKNOWN`] where it was not.
#[derive(Debug)]
pub(super) struct Sizes {
    bytes: AtomicU64,
    /// Of SQLite's write-ahead log.
    wal_bytes: AtomicU64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { bytes: AtomicU64::new(UNKNOWN), wal_bytes: AtomicU64::new(UNKNOWN) }
    }
}

impl Sizes {
    /// Keeps what is known, and tells the metrics.
    pub(super) fn set(&self, bytes: Option<u64>, wal_bytes: Option<u64>) {
        metrics().store.size(bytes, wal_bytes);
        for (kept, seen) in [(&self.bytes, bytes), (&self.wal_bytes, wal_bytes)] {
            if let Some(seen) = seen {
                kept.store(seen, Ordering::Relaxed);
            }
        }
    }

    /// Returns the bytes of the database and of its write-ahead log.
    pub(super) fn get(&self) -> (Option<u64>, Option<u64>) {
        let known = |kept: &AtomicU64| Some(kept.load(Ordering::Relaxed)).filter(|bytes| *bytes != UNKNOWN);
        (known(&self.bytes), known(&self.wal_bytes))
    }
}

/// The disk that holds a directory, and the room on it at the last look.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    free: AtomicU64,
    total: AtomicU64,
}

impl Disk {
    /// The disk of a directory, at which nobody has looked.
    pub(super) fn of(path: &Path) -> Self {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        Self { path: path.to_owned(), free: AtomicU64::new(UNKNOWN), total: AtomicU64::new(UNKNOWN) }
    }

    /// Looks at it. What cannot be learned stays as it was.
    pub(super) fn look(&self) {
        #[cfg(unix)]
        if let Ok(found) = rustix::fs::statvfs(&self.path) {
            // Without the blocks that are kept for the superuser.
            self.free.store(found.f_bavail.saturating_mul(found.f_frsize), Ordering::Relaxed);
            self.total.store(found.f_blocks.saturating_mul(found.f_frsize), Ordering::Relaxed);
        }
    }

    /// Returns how many bytes were free at the last look, if that is known.
    pub(super) fn free_bytes(&self) -> Option<u64> {
        Some(self.free.load(Ordering::Relaxed)).filter(|free| *free != UNKNOWN)
    }

    /// Returns its size in bytes, if that is known.
    pub(super) fn total_bytes(&self) -> Option<u64> {
        Some(self.total.load(Ordering::Relaxed)).filter(|total| *total != UNKNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_room_on_the_disk_of_a_directory_is_known_after_a_look() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::of(dir.path());
        assert_eq!((disk.free_bytes(), disk.total_bytes()), (None, None));
        disk.look();
        let (free, total) = (disk.free_bytes().unwrap(), disk.total_bytes().unwrap());
        assert!(free > 0 && free <= total, "{free} of {total}");
        let nowhere = Disk::of(&dir.path().join("not-there"));
        nowhere.look();
        assert_eq!(nowhere.free_bytes(), None);
        assert_eq!(Disk::of(Path::new("")).path, Path::new("."));
    }
}
