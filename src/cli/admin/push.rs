//! `admin push`: why a device was woken for a message or was not, and the state of the providers.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::Shown;
use super::api::Api;
use super::failure::Failure;
use super::table::{cell, table};
use super::user::Account;

const PATH: &str = "/admin/api/push";
/// The characters that no device has in its id.
const NOT_IN_A_DEVICE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
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
    /// Wake a device now, and print what the provider has said.
    Test {
        #[command(flatten)]
        account: Account,
        /// The device, as `user show` lists it.
        #[arg(value_name = "DEVICE_ID", allow_hyphen_values = true)]
        device: String,
    },
}

pub(super) async fn run(api: &mut Api, command: PushCommand) -> Result<Shown, Failure> {
    match command {
        PushCommand::Trace { id } => {
            let json = api.get(&format!("{PATH}/trace/{id}")).await?;
            Ok(Shown { text: traced(&json), json })
        }
        PushCommand::Status => {
            let json = api.get(&format!("{PATH}/status")).await?;
            let text = status(&json);
            Ok(Shown { json, text })
        }
        PushCommand::Test { account, device } => {
            api.needs_server("nothing is sent")?;
            let (user, device) = (account.id(api).await?, utf8_percent_encode(&device, NOT_IN_A_DEVICE));
            let json = api.post(&format!("{PATH}/targets/{user}/{device}/test"), &json!({})).await?;
            let status = json["provider_status"].as_u64().map(|status| format!(", status {status}"));
            let reason = json["reason"].as_str().map(|_| format!(": {}", cell(&json["reason"])));
            let (status, reason) = (status.unwrap_or_default(), reason.unwrap_or_default());
            let (outcome, took) = (cell(&json["outcome"]), cell(&json["took_ms"]));
            Ok(Shown { text: format!("{outcome}{status}{reason} ({took} ms)"), json })
        }
    }
}

fn status(status: &Value) -> String {
    let mut providers = status["providers"].clone();
    for provider in providers.as_array_mut().into_iter().flatten() {
        if provider["configured"] == false || status["enabled"] == false {
            // Nothing is sent to it, or the server does not run.
            provider["state"] = Value::Null;
        }
    }
    let mut text = table(&providers, &COLUMNS, "there is no provider");
    // Writing to a text does not fail.
    let _ = match (status["owed"].as_u64(), cell(&status["oldest_owed_at"])) {
        (Some(0), _) => write!(text, "no device is owed a wake-up"),
        (Some(1), oldest) => write!(text, "1 device is owed a wake-up, since {oldest}"),
        (_, oldest) => {
            write!(text, "{} devices are owed a wake-up, the oldest since {oldest}", cell(&status["owed"]))
        }
    };
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_works_and_what_is_owed() {
        let provider = |name, is_configured| json!({"provider": name, "configured": is_configured, "state": "working"});
        let with = |owed, oldest| {
            let providers = json!([provider("fcm", true), provider("apns", false)]);
            status(&json!({"providers": providers, "owed": owed, "oldest_owed_at": oldest}))
        };
        let text = with(0, Value::Null);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            (lines[1][..3].to_vec(), lines[2][..3].to_vec()),
            (vec!["fcm", "true", "working"], vec!["apns", "false", "-"])
        );
        assert_eq!(text.lines().last(), Some("no device is owed a wake-up"));
        assert!(with(1, json!("noon")).ends_with("1 device is owed a wake-up, since noon"));
        assert!(with(7, json!("noon")).ends_with("7 devices are owed a wake-up, the oldest since noon"));
    }

    #[test]
    fn a_trace_is_told_device_by_device() {
        assert_eq!(
            traced(&json!({"targets": [], "deleted": []})),
            "the receiver has no device that is registered to be woken"
        );
        let trace = json!({
            "targets": [{"device_id": "pixel", "provider": "fcm", "state": "active", "words": ["owed", "sent"]}],
            "deleted": [{"device_id": "old", "words": "gone"}],
        });
        assert_eq!(traced(&trace), "pixel (fcm, active)\n  owed\n  sent\nold (not registered any more)\n  gone\n");
    }
}
