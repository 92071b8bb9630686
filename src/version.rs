//! The version of the program, and the commit it was built from.

use std::sync::LazyLock;

/// The version, of all packages of the project.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit, abbreviated, with `-changed` when files had changed since; none in builds that are no releases.
pub const COMMIT: Option<&str> = option_env!("FLUENT_COMMIT");

/// Returns both for people: `0.1.0 (3a83c40b1c2d)`.
#[must_use]
pub fn described() -> &'static str {
    static DESCRIBED: LazyLock<String> =
        LazyLock::new(|| COMMIT.map_or_else(|| VERSION.to_owned(), |commit| format!("{VERSION} ({commit})")));
    &DESCRIBED
}
