//! `admin audit`: what has happened to accounts and settings.

use std::fmt::Write as _;

use fluent_backend::clock::Clock;
use serde_json::{Value, json};

use super::Shown;
use super::api::Api;
use super::duration::seconds;
use super::failure::Failure;
use super::table::table;
use crate::cli::say;

const PATH: &str = "/admin/api/audit";
/// Entries of one request.
const PAGE: usize = 200;

const COLUMNS: [(&str, &str); 7] = [
    ("ID", "id"),
    ("AT", "at"),
    ("EVENT", "event"),
    ("BY", "actor_kind"),
    ("USER", "subject_id"),
    ("NETWORK", "network"),
    ("DETAIL", "detail"),
];

#[derive(clap::Subcommand)]
pub(super) enum AuditCommand {
    /// Show entries, newest first.
    List {
        #[command(flatten)]
        which: Which,
        /// Only those before this id.
        #[arg(long, value_name = "ID")]
        before: Option<i64>,
        /// How many, at most 200.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u64,
    },
    /// Print all entries as JSON, one a line, oldest first.
    Export {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(clap::Args)]
pub(super) struct Which {
    /// Only what happened within this span, such as 12h or 30d, or since a time such as 2026-11-27T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<String>,
    /// Only this event, such as `login_failed`.
    #[arg(long)]
    event: Option<String>,
    /// Only what this user has done, or what concerns them, by id.
    #[arg(long, value_name = "ID")]
    user: Option<i32>,
}

/// Returns a time as the API takes it.
fn since(text: &str) -> Result<String, String> {
    if text.contains('T') {
        return Ok(text.to_owned());
    }
    Ok(Clock::system().now().plus_secs(-seconds(text)?).to_string())
}

impl Which {
    fn query(&self) -> String {
        let mut query = String::new();
        let mut add = |name: &str, value: String| {
            let value = percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC);
            // Writing to a text does not fail.
            let _ = write!(query, "&{name}={value}");
        };
        self.since.iter().for_each(|since| add("since", since.clone()));
        self.event.iter().for_each(|event| add("event", event.clone()));
        self.user.iter().for_each(|user| add("user", user.to_string()));
        query
    }
}

pub(super) async fn run(api: &mut Api, command: AuditCommand) -> Result<Shown, Failure> {
    match command {
        AuditCommand::List { which, before, limit } => {
            let before = before.map(|id| format!("&before={id}")).unwrap_or_default();
            let json = api.get(&format!("{PATH}?limit={limit}{before}{}", which.query())).await?;
            Ok(Shown { text: table(&json["entries"], &COLUMNS, "there are no such entries"), json })
        }
        AuditCommand::Export { which } => export(api, &which.query()).await,
    }
}

/// Prints the entries as they come: there may be millions.
async fn export(api: &mut Api, query: &str) -> Result<Shown, Failure> {
    let mut after = json!(0);
    loop {
        let page = api.get(&format!("{PATH}?limit={PAGE}&after={after}{query}")).await?;
        let entries = page["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
        for entry in entries {
            say(&entry.to_string());
        }
        match entries.last() {
            Some(last) if entries.len() >= PAGE => after = last["id"].clone(),
            _ => return Ok(Shown { json: Value::Null, text: String::new() }),
        }
    }
}
