//! Tests that cannot be carried out here say so where people see it, and fail where they must be.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tests of this process that were skipped.
static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// Says that the running test tests nothing for this reason. In CI it fails.
pub(crate) fn skip(reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "{reason}, and CI requires it");
    say(&format!("SKIPPED ({})", SKIPPED.fetch_add(1, Ordering::Relaxed) + 1), reason);
}

/// A line on the error output, with the name of the running test. Past `eprintln!`: what that writes, the harness keeps
/// to itself unless the test fails.
pub(crate) fn say(what: &str, why: &str) {
    let thread = std::thread::current();
    let line = format!("\n{what} {}: {why}\n", thread.name().unwrap_or("a test"));
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}
