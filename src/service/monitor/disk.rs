//! The room on a disk.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Stands for a number that is not known.
const UNKNOWN: u64 = u64::MAX;

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
