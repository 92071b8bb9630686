//! The installation of PostgreSQL, and the user it runs as.

use std::ffi::OsStr;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::PostgresError;

/// The programs, and the user and group they run as when we are root.
pub(super) struct Installation {
    bin: PathBuf,
    user: Option<(u32, u32)>,
}

impl Installation {
    /// Finds the programs: where Debian keeps them, the newest first, or on the path.
    pub(super) fn find() -> Option<Self> {
        let on_path = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
        let debian = std::fs::read_dir("/usr/lib/postgresql").ok();
        let mut debian: Vec<PathBuf> = debian.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        let version = |path: &PathBuf| path.file_name().and_then(OsStr::to_str)?.parse::<u32>().ok();
        debian.sort_by_key(|path| std::cmp::Reverse(version(path)));
        let is_whole = |dir: &PathBuf| dir.join("initdb").is_file() && dir.join("postgres").is_file();
        let bin = debian.into_iter().map(|path| path.join("bin")).chain(on_path).find(is_whole)?;
        Some(Self { bin, user: unprivileged_user() })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Returns a command that runs a program as a user that PostgreSQL accepts.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/");
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Makes that user the owner of a path.
    pub(super) fn give(&self, path: &Path) -> Result<(), PostgresError> {
        if let Some((uid, gid)) = self.user {
            chown(path, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    /// Writes a file that only that user may read, as PostgreSQL demands of a key.
    pub(super) fn write(&self, path: &Path, text: &str) -> Result<(), PostgresError> {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        std::io::Write::write_all(&mut file, text.as_bytes())?;
        self.give(path)
    }
}

/// Returns the user to run as when this process is root, which PostgreSQL refuses: `postgres`, which its package makes,
/// or `nobody`.
fn unprivileged_user() -> Option<(u32, u32)> {
    // The owner of this process's files is its user.
    if std::fs::metadata("/proc/self").map_or(1, |own| own.uid()) != 0 {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let entry = |name: &str| {
        let fields: Vec<&str> = passwd.lines().find(|line| line.starts_with(&format!("{name}:")))?.split(':').collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    entry("postgres").or_else(|| entry("nobody"))
}
