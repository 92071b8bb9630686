//! What a package installs beside the program: completions for shells, and pages for man. Both are made of the commands
//! themselves.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Args;

/// The name of the program, also where it was started by another.
const PROGRAM: &str = "fluent-backend";

/// Prints what makes the shell complete commands and options.
pub(crate) fn completions(shell: Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), PROGRAM, &mut script);
    std::io::stdout().write_all(&script).context("cannot write the completions")
}

/// Writes the pages for man into a directory that is there, one for each command.
pub(crate) fn manual(to: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(to.is_dir(), "{} is no directory", to.display());
    clap_mangen::generate_to(Args::command().name(PROGRAM), to)
        .with_context(|| format!("cannot write into {}", to.display()))
}
