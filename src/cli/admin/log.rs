//! `admin log`: the filter of a running server's log, and its last warnings and errors.

use serde_json::{Value, json};

use super::Shown;
use super::api::Api;
use super::duration::seconds;
use super::failure::Failure;
use super::table::{cell, table};

const PATH: &str = "/admin/api/log";
const COLUMNS: [(&str, &str); 5] =
    [("AT", "at"), ("LEVEL", "level"), ("TARGET", "target"), ("TEXT", "text"), ("FIELDS", "fields")];
const NEEDS: &str = "its log is that of a process";

#[derive(clap::Subcommand)]
pub(super) enum LogCommand {
    /// Print the filter, and the last warnings and errors of the server, newest first.
    Show {
        /// Only errors.
        #[arg(long)]
        errors: bool,
        /// Only those before this id.
        #[arg(long, value_name = "ID")]
        before: Option<u64>,
        /// How many, at most 200.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u64,
    },
    /// Switch the filter for a time, after which it goes back by itself.
    Set {
        /// As log.filter in the settings: a level, or levels for parts of the program, between commas.
        filter: String,
        /// For how long: a span such as 90s, 10m or 2h, a day at most.
        #[arg(long = "for", default_value = "10m", value_name = "SPAN", value_parser = seconds)]
        for_s: i64,
    },
    /// Go back to the filter of the configuration at once.
    Reset,
}

pub(super) async fn run(api: &mut Api, command: LogCommand) -> Result<Shown, Failure> {
    api.needs_server(NEEDS)?;
    match command {
        LogCommand::Show { errors, before, limit } => {
            let level = if errors { "error" } else { "warn" };
            let before = before.map(|id| format!("&before={id}")).unwrap_or_default();
            let lines = api.get(&format!("{PATH}/lines?level={level}&limit={limit}{before}")).await?;
            let state = api.get(PATH).await?;
            let text = format!("{}\n\n{}", filter(&state), table(&lines["lines"], &COLUMNS, "nothing was wrong"));
            Ok(Shown { text, json: json!({"filter": state, "lines": lines["lines"]}) })
        }
        LogCommand::Set { filter, for_s } => switch(api, &json!({"filter": filter, "for_s": for_s})).await,
        LogCommand::Reset => switch(api, &json!({"filter": null})).await,
    }
}

async fn switch(api: &mut Api, body: &Value) -> Result<Shown, Failure> {
    let json = api.put(PATH, body).await?;
    Ok(Shown { text: filter(&json), json })
}

fn filter(state: &Value) -> String {
    let until = match state["until"].as_str() {
        Some(_) => format!("until {}; then {}", cell(&state["until"]), cell(&state["configured"])),
        None => "as the configuration says".to_owned(),
    };
    format!("the filter is {} ({until})", cell(&state["filter"]))
}
