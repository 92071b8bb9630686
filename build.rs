//! Names the commit of a release build. Other builds do not have it: each commit would compile the whole program anew.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=FLUENT_COMMIT");
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return;
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

/// Returns what git prints; none without git or outside of a checkout.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
