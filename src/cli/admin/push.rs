//! `admin push`: why a device was woken for a message or was not, and the state of the providers.

use std::fmt::Write as _;

use serde_json::Value;

use super::Shown;
use super::api::Api;
use super::failure::Failure;
use super::table::{cell, table};

const PATH: &str = "/admin/api/push";
const COLUMNS: [(&str, &str); 8] = [
    ("PROVIDER", "provider"),
    ("CONFIGURED", "configured"),
    ("STATE", "state"),
    ("ACTIVE", "active"),
    ("SUSPENDED", "suspended"),
    ("OWED", "owed"),
    ("UNTIL", "until"),
    ("WHY", "why"),
];

#[derive(clap::Subcommand)]
pub(super) enum PushCommand {
    /// Tell why the devices of a message's receiver were woken for it, or were not.
    Trace {
        /// The message's id.
        #[arg(value_name = "MESSAGE_ID")]
        id: i64,
    },
    /// Print the state of the providers, and how many devices are owed a wake-up.
    Status,
}

pub(super) async fn run(api: &mut Api, command: PushCommand) -> Result<Shown, Failure> {
    match command {
        PushCommand::Trace { id } => {
            let json = api.get(&format!("{PATH}/trace/{id}")).await?;
            Ok(Shown { text: traced(&json), json })
        }
        PushCommand::Status => {
            let json = api.get(&format!("{PATH}/status")).await?;
            let mut text = table(&json["providers"], &COLUMNS, "there is no provider");
            let (owed, oldest) = (cell(&json["owed"]), cell(&json["oldest_owed_at"]));
            // Writing to a text does not fail.
            let _ = write!(text, "{owed} devices are owed a wake-up, the oldest since {oldest}");
            Ok(Shown { json, text })
        }
    }
}

fn traced(trace: &Value) -> String {
    let mut text = String::new();
    let of = |list: &Value| list.as_array().cloned().unwrap_or_default();
    // Writing to a text does not fail.
    for target in of(&trace["targets"]) {
        let (device, provider, state) = (&target["device_id"], &target["provider"], &target["state"]);
        let _ = writeln!(text, "{} ({}, {})", cell(device), cell(provider), cell(state));
        for words in of(&target["words"]) {
            let _ = writeln!(text, "  {}", cell(&words));
        }
    }
    for attempt in of(&trace["deleted"]) {
        let _ = writeln!(text, "{} (not registered any more)", cell(&attempt["device_id"]));
        let _ = writeln!(text, "  {}", cell(&attempt["words"]));
    }
    if text.is_empty() { "the receiver has no device that is registered to be woken".to_owned() } else { text }
}
