//! The file system, as far as the store of files needs it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// A file or a directory in a directory.
#[derive(Clone, Debug)]
pub(super) struct DirectoryEntry {
    pub(super) name: String,
    pub(super) is_directory: bool,
    /// Bytes of a file.
    pub(super) bytes: u64,
    pub(super) changed: SystemTime,
}

/// What the store of files does with a file system. Tests put one in its place that forgets what is not synchronised.
pub(super) trait Disk: Send + Sync + 'static {
    type File: Send + Sync + 'static;

    /// Makes a directory that only its owner can read. It may exist.
    fn make_directory(&self, path: &Path) -> io::Result<()>;
    /// Makes a file that only its owner can read; fails when something has this name.
    fn create(&self, path: &Path) -> io::Result<Self::File>;
    /// Opens a file for reading, or for both; a symbolic link is refused.
    fn open(&self, path: &Path, writable: bool) -> io::Result<Self::File>;
    fn bytes(&self, file: &Self::File) -> io::Result<u64>;
    fn write_at(&self, file: &Self::File, bytes: &[u8], offset: u64) -> io::Result<()>;
    fn read_at(&self, file: &Self::File, bytes: &mut [u8], offset: u64) -> io::Result<()>;
    /// Reads what is in memory already, and returns how many bytes that were; it never waits for the disk.
    fn read_cached(&self, file: &Self::File, bytes: &mut [u8], offset: u64) -> usize;
    fn cut(&self, file: &Self::File, bytes: u64) -> io::Result<()>;
    /// Returns once the content of the file is on the disk.
    fn sync(&self, file: &Self::File) -> io::Result<()>;
    /// Returns once the entries of the directory are on the disk.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    fn list(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>>;
    /// Returns the bytes that this process may still write.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
}

/// The file system of this machine.
pub(super) struct LocalDisk;

impl Disk for LocalDisk {
    type File = File;

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        options().write(true).create_new(true).open(path)
    }

    fn open(&self, path: &Path, writable: bool) -> io::Result<File> {
        let file = options().write(writable).open(path)?;
        // A pipe or a device must not be taken for a file; opening does not wait for one.
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    fn bytes(&self, file: &File) -> io::Result<u64> {
        file.metadata().map(|metadata| metadata.len())
    }

    #[cfg(unix)]
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
    }

    #[cfg(unix)]
    fn read_at(&self, file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
    }

    #[cfg(not(unix))]
    fn write_at(&self, mut file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        use std::io::{Seek as _, Write as _};
        file.seek(io::SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }

    #[cfg(not(unix))]
    fn read_at(&self, mut file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        use std::io::{Read as _, Seek as _};
        file.seek(io::SeekFrom::Start(offset))?;
        file.read_exact(bytes)
    }

    #[cfg(target_os = "linux")]
    fn read_cached(&self, file: &File, bytes: &mut [u8], offset: u64) -> usize {
        use rustix::io::{ReadWriteFlags, preadv2};
        // Whatever is the matter, as a file system that does not offer this: reading in the other way says so.
        preadv2(file, &mut [io::IoSliceMut::new(bytes)], offset, ReadWriteFlags::NOWAIT).unwrap_or_default()
    }

    #[cfg(not(target_os = "linux"))]
    fn read_cached(&self, _: &File, _: &mut [u8], _: u64) -> usize {
        0
    }

    fn cut(&self, file: &File, bytes: u64) -> io::Result<()> {
        file.set_len(bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        // Elsewhere a directory cannot be opened as a file.
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                // It went meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let is_directory = metadata.is_dir();
            // Not ours: neither a file nor a directory, or a name that we do not give.
            let (true, Ok(name)) = (is_directory || metadata.is_file(), entry.file_name().into_string()) else {
                continue;
            };
            entries.push(DirectoryEntry { name, is_directory, bytes: metadata.len(), changed: metadata.modified()? });
        }
        Ok(entries)
    }

    #[cfg(unix)]
    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let found = rustix::fs::statvfs(path)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    #[cfg(not(unix))]
    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

/// Returns options that read a file of mode 0600, but no symbolic link.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn files_and_directories_are_for_their_owner_alone_and_links_are_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (inner, name) = (dir.path().join("a/b"), dir.path().join("a/b/file"));
        LocalDisk.make_directory(&inner).unwrap();
        LocalDisk.make_directory(&inner).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        LocalDisk.create(&name).unwrap();
        assert_eq!((mode(&inner), mode(&name)), (0o700, 0o600));
        assert_eq!(LocalDisk.create(&name).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let link = inner.join("link");
        std::os::unix::fs::symlink(&name, &link).unwrap();
        assert!(LocalDisk.open(&link, false).is_err() && LocalDisk.open(&name, true).is_ok());
        assert!(LocalDisk.open(&inner, false).is_err(), "a directory is no file");
        let listed: Vec<_> = LocalDisk.list(&inner).unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(listed, ["file"]);
        assert!(LocalDisk.free_bytes(&inner).unwrap() > 0);
    }
}
