//! Skipping of tests that cannot run on this machine: visible in the output, and a failure in CI.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tests of this process that were skipped.
static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// Reports that the running test is skipped, and why. In CI it fails the test.
pub(crate) fn skip(reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "{reason}, and CI requires it");
    say(&format!("SKIPPED ({})", SKIPPED.fetch_add(1, Ordering::Relaxed) + 1), reason);
}

/// Writes a line with the name of the running test to the error output. Not by `eprintln!`, whose output the harness
/// shows only when the test fails.
pub(crate) fn say(what: &str, why: &str) {
    let thread = std::thread::current();
    let line = format!("\n{what} {}: {why}\n", thread.name().unwrap_or("a test"));
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}
