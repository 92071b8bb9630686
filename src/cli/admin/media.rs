//! `fluent-backend media`: files of users against the database.

use std::process::ExitCode;
use std::time::Duration;

use fluent_backend::Config;
use serde_json::{Value, json};

use super::Shown;
use super::api::Api;
use super::failure::Failure;
use super::table::cell;
use crate::cli::{note, say};

/// Longest time for a comparison: millions of files are looked at one by one.
const LONGEST: Duration = Duration::from_hours(24);

#[derive(clap::Subcommand)]
pub(crate) enum MediaCommand {
    /// Compare files and rows: remove files that nobody knows, mark those that are missing as lost. A server may run
    /// meanwhile. Exit code 1 when files are lost.
    Reconcile {
        /// Change nothing.
        #[arg(long)]
        dry_run: bool,
        /// Print one JSON object, for programs.
        #[arg(long)]
        json: bool,
    },
}

/// The same among the commands for operators, which reach a server by its address, too.
#[derive(clap::Subcommand)]
pub(super) enum AdminMediaCommand {
    /// Print how many files there are, and what the last comparison with the database has found.
    Status,
    /// Compare files and rows: remove files that nobody knows, mark those that are missing as lost. Exit code 1 when
    /// files are lost.
    Reconcile {
        /// Change nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) async fn run(api: &mut Api, command: AdminMediaCommand) -> Result<Shown, Failure> {
    match command {
        AdminMediaCommand::Status => {
            let json = api.get("/admin/api/media").await?;
            Ok(Shown { text: status(&json), json })
        }
        AdminMediaCommand::Reconcile { dry_run } => {
            let json = compare(api, dry_run).await?;
            Ok(Shown { text: text(&json), json })
        }
    }
}

fn status(status: &Value) -> String {
    if status["enabled"] == false {
        return "this server takes no files: media.enabled is off".to_owned();
    }
    let mut lines = vec![format!("bytes: {}", status["bytes"])];
    let files = status["files"].as_object().into_iter().flatten();
    lines.extend(files.map(|(state, count)| format!("files {state}: {count}")));
    lines.push(format!("lost files: {}", status["lost"]));
    let compared = &status["last_reconcile"];
    lines.push(if compared.is_null() {
        "not compared with the files since the start".to_owned()
    } else {
        let (at, orphans) = (cell(&compared["at"]), &compared["orphans"]);
        let (found, removed, lost) = (&orphans["found"], &orphans["removed"], &compared["lost"]);
        format!("compared at {at}: {found} files that nobody knows, {removed} removed; {lost} lost")
    });
    lines.join("\n")
}

/// Carries out a command. Exit codes as those of `admin`, and 1 when files are lost.
pub(crate) async fn media(config: &Config, command: MediaCommand) -> anyhow::Result<ExitCode> {
    let MediaCommand::Reconcile { dry_run, json: as_json } = command;
    match Box::pin(reconcile(config, dry_run)).await {
        Ok(found) => {
            say(&if as_json { found.to_string() } else { text(&found) });
            Ok(code(&found))
        }
        Err(failure) => {
            note(&if as_json { failure.json().to_string() } else { format!("fluent-backend: {failure}") });
            Ok(failure.code())
        }
    }
}

/// Returns the exit code for what a comparison has found: 1 when files are lost.
pub(super) fn code(found: &Value) -> ExitCode {
    let is_lost = found["lost"].as_array().is_some_and(|lost| !lost.is_empty());
    if is_lost { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

async fn reconcile(config: &Config, dry_run: bool) -> Result<Value, Failure> {
    let mut api = Api::open(config).await?;
    let found = compare(&mut api, dry_run).await;
    let closed = api.close().await;
    let found = found?;
    closed.map(|()| found)
}

async fn compare(api: &mut Api, dry_run: bool) -> Result<Value, Failure> {
    api.wait_up_to(LONGEST);
    api.post("/admin/api/media/reconcile", &json!({ "dry_run": dry_run })).await
}

/// Returns what was found, for people.
fn text(found: &Value) -> String {
    let (orphans, lost) = (&found["orphans"], found["lost"].as_array().map_or(&[][..], Vec::as_slice));
    let done = if found["dry_run"] == true { "nothing was changed" } else { "they were removed" };
    let mut lines = vec![
        format!("files that nobody knows: {} of {} bytes; {done}", orphans["found"], orphans["bytes"]),
        format!("lost files: {}", lost.len()),
    ];
    lines.extend(lost.iter().filter_map(Value::as_str).map(|id| format!("  {id}")));
    lines.join("\n")
}
