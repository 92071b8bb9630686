//! Other programs, which tests run where they are installed.

use std::path::PathBuf;

use super::skip::skip;

/// Returns where the program `name` is installed. Without it the test is skipped, and in CI fails.
pub(crate) fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Directories that may not be on the path: Debian's directory for servers, and cargo's for what it has installed.
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let more = [PathBuf::from("/usr/sbin")].into_iter().chain(cargo.map(|cargo| cargo.join("bin")));
    let found = std::env::split_paths(&path).chain(more).map(|dir| dir.join(name)).find(|path| path.is_file());
    if found.is_none() {
        skip(&format!("{name} is not installed"));
    }
    found
}
