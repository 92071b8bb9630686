//! The README's snippet for developers, in a crate of its own outside the workspace.

use std::path::PathBuf;
use std::process::Command;

use super::markdown::{block, read, root};

pub(super) const TEST: &str = "the_snippet_of_the_readme_compiles_and_passes_outside_the_workspace";

/// The part of a TOML file from one line to another, or to the end.
fn part<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, behind) = text.split_once(from).unwrap_or_else(|| panic!("no {from:?}"));
    behind.split_once(to).map_or(behind, |(part, _)| part)
}

/// Where this program was built.
pub(super) fn target() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}

/// cargo with the settings of this workspace and what is built of it.
pub(super) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.env("CARGO_TARGET_DIR", target()).current_dir(root());
    cargo
}

/// Both blocks as they are printed, but for the path. Beside them stands a crate that asks for what our own tests ask
/// for, and the profile is ours: so all that we depend on is built already.
#[test]
fn the_snippet_of_the_readme_compiles_and_passes_outside_the_workspace() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let ours = read("Cargo.toml");
    let profile = part(&ours, "[profile.dev]", "[profile.bench]");
    write(
        "Cargo.toml",
        &format!("[workspace]\nmembers = [\"yours\", \"same\"]\nresolver = \"3\"\n[profile.dev]{profile}"),
    );
    write("Cargo.lock", &read("Cargo.lock"));

    let package = |name: &str| format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n\n");
    let here = root().display().to_string();
    let dependencies = block("README.md", "[dev-dependencies]");
    assert!(dependencies.contains("path = \"…\""), "{dependencies}");
    write("yours/Cargo.toml", &(package("yours") + &dependencies.replace('…', &here)));
    write("yours/tests/messages.rs", &block("README.md", "use fluent_backend::testing::TestServer;"));

    let same = part(&ours, "[dev-dependencies]", "\n[").replace("path = \".\"", &format!("path = \"{here}\""));
    let same = same.replace("path = \"clients/", &format!("path = \"{here}/clients/"));
    write("same/Cargo.toml", &format!("{}[dependencies]{same}\n", package("same")));
    write("same/src/lib.rs", "");

    let manifest = dir.path().join("Cargo.toml");
    let output = cargo().args(["test", "--offline", "--manifest-path"]).arg(manifest).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
