//! The disks: what is left of them, and whether they keep what they are told to.

use std::path::{Path, PathBuf};

use fluent_backend::Config;
use fluent_backend::config::Store;

use super::finding::Finding;

/// With less free space than this the server takes no writes for long.
const LEAST_BYTES: u64 = 256 * 1024 * 1024;
/// With a smaller part of the disk free, an operator should know.
const LOW_PERCENT: u64 = 10;
/// Files that can still be made.
const LEAST_FILES: u64 = 10_000;

/// File systems by their numbers in `statfs(2)`, that do not lock or keep files as SQLite needs.
const UNSUITABLE: [(i64, &str, &str); 6] = [
    (0x6969, "NFS", "files are not locked reliably over a network"),
    (0xff53_4d42, "CIFS", "files are not locked reliably over a network"),
    (0xfe53_4d42, "SMB", "files are not locked reliably over a network"),
    (0x0102_1994, "tmpfs", "everything is gone after a restart of the machine"),
    (0x794c_7630, "overlay", "in a container it is gone with the container: use a volume"),
    (0x6573_5546, "FUSE", "few of these keep what was written through a loss of power"),
];

pub(super) fn look(config: &Config) -> Vec<Finding> {
    let mut places: Vec<(&str, PathBuf, u64)> = Vec::new();
    if config.uses_data_dir() {
        places.push(("server.data_dir", config.server.data_dir.clone(), LEAST_BYTES));
    }
    if config.media.is_local() {
        let least = config.media.min_free_bytes;
        places.push(("the directory of media", config.media_dir(), least));
    }
    let mut findings: Vec<Finding> = places.iter().flat_map(|(what, path, least)| room(what, path, *least)).collect();
    if let Ok(Store::Sqlite(path)) = config.store() {
        findings.extend(kind(&path));
    }
    findings
}

/// Returns the nearest directory that exists.
fn existing(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.ancestors().find(|path| path.exists()).map_or_else(|| PathBuf::from("/"), Path::to_owned)
}

fn room(what: &str, path: &Path, least: u64) -> Vec<Finding> {
    let place = existing(path);
    let Ok(state) = rustix::fs::statvfs(&place) else {
        return vec![Finding::warning("disk", format!("{what}: the free space of {} is not known", place.display()))];
    };
    let free = state.f_bavail.saturating_mul(state.f_frsize);
    let whole = state.f_blocks.saturating_mul(state.f_frsize).max(1);
    let found = format!("{what}: {} of {} free in {}", size(free), size(whole), place.display());
    let space = if free < least {
        Finding::error("disk", found)
            .since("messages and files are refused when the disk is full")
            .mended_by("make room, or move the directory to a larger disk")
    } else if free / (whole / 100).max(1) < LOW_PERCENT {
        Finding::warning("disk", found).since("less than a tenth is left").mended_by("make room before it is full")
    } else {
        Finding::fine("disk", found)
    };
    // File systems that make room for files as they go count none.
    let files = (state.f_files > 0 && state.f_favail < LEAST_FILES).then(|| {
        Finding::warning("disk", format!("{what}: only {} files can still be made", state.f_favail))
            .since("each file that a client uploads is one")
    });
    std::iter::once(space).chain(files).collect()
}

fn kind(path: &Path) -> Option<Finding> {
    let place = existing(path);
    let number = number_of(&place)?;
    let (_, name, why) = UNSUITABLE.iter().find(|(known, _, _)| *known == number)?;
    Some(
        Finding::warning("disk", format!("the database is on {name} ({})", place.display()))
            .since(why)
            .mended_by("put server.data_dir on a local disk"),
    )
}

#[cfg(target_os = "linux")]
fn number_of(place: &Path) -> Option<i64> {
    rustix::fs::statfs(place).ok().map(|state| state.f_type)
}

/// Other systems have no such numbers.
#[cfg(not(target_os = "linux"))]
fn number_of(_: &Path) -> Option<i64> {
    None
}

/// Returns a number of bytes for people.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes, 0);
    while value >= 10 * 1024 && unit + 1 < UNITS.len() {
        value /= 1024;
        unit += 1;
    }
    format!("{value} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Level;

    #[test]
    fn too_little_room_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let found = room("data", &dir.path().join("not/yet"), 0);
        assert_ne!(found[0].level, Level::Error);
        let found = room("data", dir.path(), u64::MAX);
        assert_eq!(found[0].level, Level::Error, "{}", found[0].found);
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!([0, 10_239, 10_240, 5 << 30].map(size), ["0 B", "10239 B", "10 KiB", "5120 MiB"]);
    }
}
