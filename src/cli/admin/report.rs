//! `admin report`: messages that users have reported.

use serde_json::json;

use super::Shown;
use super::api::Api;
use super::failure::Failure;
use super::table::{cell, table};

const PATH: &str = "/admin/api/reports";

const COLUMNS: [(&str, &str); 10] = [
    ("ID", "id"),
    ("STATE", "state"),
    ("PROVES", "level"),
    ("REASON", "reason"),
    ("SENDER", "subject_id"),
    ("REPORTER", "reporter_id"),
    ("SENT", "sent_at"),
    ("REPORTED", "created_at"),
    ("NOTE", "note"),
    ("DECISION", "decision_note"),
];

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum State {
    /// Not decided yet.
    Open,
    /// The report is right.
    Upheld,
    /// It is not.
    Dismissed,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Upheld => "upheld",
            Self::Dismissed => "dismissed",
        }
    }
}

#[derive(clap::Subcommand)]
pub(super) enum ReportCommand {
    /// List reports, newest first.
    List {
        /// Only those that are decided so.
        #[arg(long, value_enum)]
        state: Option<State>,
        /// Only those before this id.
        #[arg(long, value_name = "ID")]
        before: Option<i64>,
        /// How many, at most 200.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u64,
    },
    /// Show a report with what it discloses. That it was looked at is recorded in the audit log.
    Show {
        /// Its id.
        id: i64,
    },
    /// Say whether a report is right. What it discloses is wiped 30 days later.
    Decide {
        /// Its id.
        id: i64,
        /// What is decided.
        #[arg(value_enum)]
        state: State,
        /// Also disable the account of the sender, and end its logins.
        #[arg(long)]
        disable_user: bool,
        /// A note for operators, kept with the report.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
}

pub(super) async fn run(api: &mut Api, command: ReportCommand) -> Result<Shown, Failure> {
    match command {
        ReportCommand::List { state, before, limit } => {
            let state = state.map(|state| format!("&state={}", state.word())).unwrap_or_default();
            let before = before.map(|id| format!("&before={id}")).unwrap_or_default();
            let json = api.get(&format!("{PATH}?limit={limit}{state}{before}")).await?;
            Ok(Shown { text: table(&json["reports"], &COLUMNS, "there are no such reports"), json })
        }
        ReportCommand::Show { id } => {
            let json = api.get(&format!("{PATH}/{id}")).await?;
            let lines = COLUMNS.iter().map(|(heading, key)| format!("{heading:<11}{}\n", cell(&json[*key])));
            let disclosed = match &json["plaintext"] {
                serde_json::Value::Null => "the reporter discloses nothing, or it was wiped".to_owned(),
                plaintext => format!("\n{}", cell(plaintext)),
            };
            Ok(Shown { text: lines.chain([disclosed]).collect(), json })
        }
        ReportCommand::Decide { id, state, disable_user, note } => {
            let body = json!({"state": state.word(), "disable_user": disable_user, "note": note});
            let json = api.patch(&format!("{PATH}/{id}"), &body).await?;
            let disabled = if disable_user {
                format!("; account {} is disabled, and its logins have ended", cell(&json["subject_id"]))
            } else {
                String::new()
            };
            Ok(Shown { text: format!("report {id} is {}{disabled}", state.word()), json })
        }
    }
}
