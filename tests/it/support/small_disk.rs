//! A disk that is full.

use std::path::{Path, PathBuf};

use super::binary::ServerProcess;
use super::skip::say;

/// A disk that can be filled, gone with this value.
pub(crate) enum SmallDisk {
    /// A small file system of its own.
    Mounted(PathBuf),
    /// Where none may be mounted: the files of the server may not grow. The error is another one than that of a full
    /// disk, which makes no difference to what must follow.
    Limited,
}

impl SmallDisk {
    /// Files above so many KiB are full, all that count.
    const LIMIT_KIB: u64 = 64;

    /// Mounts a disk at a fresh directory, where that is permitted.
    pub(crate) fn at(path: &Path, mib: u32) -> Self {
        std::fs::create_dir(path).unwrap();
        let options = format!("size={mib}m");
        let mounted =
            std::process::Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(path).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Self::Mounted(path.to_owned());
        }
        say("NOTE", "no file system may be mounted here: instead of it, the files are limited");
        Self::Limited
    }

    /// Starts the server that has its data on it, of which so many bytes should be free.
    pub(crate) async fn serve(&self, dir: &Path, min_free_bytes: u64) -> ServerProcess {
        match self {
            // It is smaller than what should be free by default.
            Self::Mounted(_) => {
                let min_free_bytes = min_free_bytes.to_string();
                ServerProcess::start(dir, &[("FLUENT__ADMIN__MIN_FREE_BYTES", &min_free_bytes)]).await
            }
            Self::Limited => ServerProcess::start_with_full_disk(dir, 1 << 20).await,
        }
    }

    /// Fills the disk to the last byte.
    pub(crate) fn fill(&self, server: &ServerProcess) {
        use std::io::Write as _;
        match self {
            Self::Mounted(path) => {
                let mut file = std::fs::File::create(path.join("filler")).unwrap();
                while file.write_all(&[0; 4096]).is_ok() {}
            }
            Self::Limited => server.limit_growth(Self::LIMIT_KIB),
        }
    }

    pub(crate) fn clear(&self, server: &ServerProcess) {
        match self {
            Self::Mounted(path) => std::fs::remove_file(path.join("filler")).unwrap(),
            Self::Limited => server.lift_limit(),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Self::Mounted(path) = self {
            let _ = std::process::Command::new("umount").arg("--lazy").arg(path).status();
        }
    }
}
