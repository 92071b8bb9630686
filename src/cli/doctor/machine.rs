//! The machine: open files, the queue of connections, memory, the clock.

use std::path::Path;

use fluent_backend::Config;
use fluent_backend::config::S3_PART;

use super::disk::size;
use super::finding::Finding;

/// Open files beside those of clients: databases, operators, logs.
const OTHER_FILES: u64 = 300;
/// Connections that wait to be accepted when all clients return at once.
const BACKLOG: u64 = 4096;
/// Bytes of an idle socket, rounded up (`docs/performance.md`).
const SOCKET_BYTES: u64 = 16 * 1024;
/// Bytes of the program with its caches.
const PROGRAM_BYTES: u64 = 192 * 1024 * 1024;

pub(super) fn look(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Ok((_, possible)) = rlimit::Resource::NOFILE.get() {
        findings.push(open_files(files_wanted(config), possible));
    }
    findings.extend(number("/proc/sys/net/core/somaxconn").map(backlog));
    findings.extend(memory_of_the_machine().map(|memory| enough_memory(memory, needed(config))));
    findings.extend(read("/sys/kernel/mm/transparent_hugepage/enabled").and_then(|text| huge_pages(&text)));
    findings.extend(clock());
    findings
}

fn read(path: impl AsRef<Path>) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn number(path: &str) -> Option<u64> {
    read(path)?.trim().parse().ok()
}

/// Returns how many files the server opens at most.
fn files_wanted(config: &Config) -> u64 {
    let transfers = if config.media.enabled { config.media.transfers as u64 } else { 0 };
    config.server.max_connections as u64 + transfers + OTHER_FILES
}

fn open_files(wanted: u64, possible: u64) -> Finding {
    if possible >= wanted {
        return Finding::fine("open files", format!("{possible} possible here, {wanted} wanted"));
    }
    Finding::warning("open files", format!("this shell may open {possible}, and the server wants {wanted}"))
        .since("the server lowers server.max_connections to what is possible")
        .mended_by(format!("in the unit: LimitNOFILE={wanted}; in a shell: ulimit -n {wanted}"))
}

fn backlog(most: u64) -> Finding {
    if most >= BACKLOG {
        return Finding::fine("backlog", format!("net.core.somaxconn is {most}"));
    }
    Finding::warning("backlog", format!("net.core.somaxconn is {most}"))
        .since("when all clients return at once, those that find no place in the queue try again only after a second")
        .mended_by(format!("sysctl -w net.core.somaxconn={BACKLOG}"))
}

/// Returns the bytes that the server may come to need.
fn needed(config: &Config) -> u64 {
    let hashing = config.auth.all_hash_threads() as u64 * u64::from(config.auth.argon2_memory_kib) * 1024;
    let sockets = config.server.max_connections as u64 * SOCKET_BYTES;
    // A part that is gathered for a bucket.
    let has_bucket = config.media.enabled && !config.media.is_local();
    let parts = if has_bucket { config.media.transfers as u64 * S3_PART } else { 0 };
    PROGRAM_BYTES + hashing + sockets + parts + config.http.unwritten_bytes as u64
}

fn memory_of_the_machine() -> Option<u64> {
    let text = read("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kib| kib * 1024)
}

fn enough_memory(there: u64, needed: u64) -> Finding {
    let found = format!("{} in all, {} for all connections and password threads", size(there), size(needed));
    if needed <= there / 10 * 8 {
        return Finding::fine("memory", found);
    }
    Finding::warning("memory", found)
        .since("a machine that swaps, or ends the process, serves nobody")
        .mended_by("lower server.max_connections or auth.hash_concurrency")
}

fn huge_pages(text: &str) -> Option<Finding> {
    text.contains("[always]").then(|| {
        Finding::warning("memory", "transparent huge pages are always used")
            .since("memory that the server gives back stays with the process")
            .mended_by("echo madvise > /sys/kernel/mm/transparent_hugepage/enabled")
    })
}

/// Returns whether somebody keeps the clock right, where that can be asked.
fn clock() -> Option<Finding> {
    let mut command = std::process::Command::new("timedatectl");
    let output = command.args(["show", "--property=NTPSynchronized", "--value"]).output();
    let output = output.ok().filter(|output| output.status.success())?;
    Some(match String::from_utf8_lossy(&output.stdout).trim() {
        "yes" => Finding::fine("clock", "synchronised"),
        _ => Finding::warning("clock", "not synchronised")
            .since("times of messages, expiry, second factors and tokens follow it")
            .mended_by("timedatectl set-ntp true"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Level;

    #[test]
    fn too_short_a_queue_too_little_memory_and_huge_pages_are_found() {
        assert_eq!((backlog(4096).level, backlog(128).level), (Level::Fine, Level::Warning));
        assert_eq!((enough_memory(1000, 800).level, enough_memory(1000, 801).level), (Level::Fine, Level::Warning));
        assert!(huge_pages("always [madvise] never").is_none());
        assert!(huge_pages("[always] madvise never").is_some());
    }

    #[test]
    fn more_connections_than_files_are_found() {
        let wanted = files_wanted(&Config::defaults().unwrap());
        assert!(wanted > 16_384);
        assert_eq!(
            [wanted, wanted - 1].map(|possible| open_files(wanted, possible).level),
            [Level::Fine, Level::Warning]
        );
    }
}
