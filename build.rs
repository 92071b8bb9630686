//! Names the commit of a release build, and has it linked to be small. Other builds have no commit: each would compile
//! the whole program anew.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=FLUENT_COMMIT");
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    if can_pack_relocations() {
        // The addresses to adjust at the start, which a position-independent program is full of, take 30 kB instead of a
        // megabyte.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    // A package or an image is built from files without their history: who builds it names the commit.
    let given = std::env::var("FLUENT_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = given.or_else(|| {
        for file in ["HEAD", "logs/HEAD", "index"] {
            let path = git(&["rev-parse", "--git-path", file])?;
            if Path::new(&path).exists() {
                println!("cargo::rerun-if-changed={path}");
            }
        }
        let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
        let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
        Some(if changed.is_empty() { commit } else { format!("{commit}-changed") })
    });
    if let Some(commit) = commit {
        println!("cargo::rustc-env=FLUENT_COMMIT={commit}");
    }
}

/// Returns whether programs for this target may have packed relocations: whether the C library here, for which this is
/// built, reads them (glibc 2.36 and newer do).
fn can_pack_relocations() -> bool {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let is_glibc = variable("CARGO_CFG_TARGET_OS") == "linux" && variable("CARGO_CFG_TARGET_ENV") == "gnu";
    if !is_glibc || variable("HOST") != variable("TARGET") {
        return false;
    }
    let version = printed("getconf", &["GNU_LIBC_VERSION"]).unwrap_or_default();
    let parts = version.strip_prefix("glibc ").and_then(|version| version.split_once('.'));
    let number = |text: &str| text.parse::<u32>().ok();
    parts.and_then(|(major, minor)| Some((number(major)?, number(minor)?))).is_some_and(|version| version >= (2, 36))
}

/// Returns what git prints; none without git or outside of a checkout.
fn git(args: &[&str]) -> Option<String> {
    printed("git", args)
}

/// Returns what a command prints; none when it fails.
fn printed(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
