//! `admin user`: finds accounts, ends their logins, disables and deletes them, and replaces what their owners sign in
//! with.

use serde_json::{Value, json};

use super::Shown;
use super::api::Api;
use super::failure::Failure;
use super::limiter;
use super::table::{cell, table};

const PATH: &str = "/admin/api/users";

const COLUMNS: [(&str, &str); 6] = [
    ("ID", "id"),
    ("NAME", "name"),
    ("STATE", "state"),
    ("SECOND FACTOR", "second_factor"),
    ("CREATED", "created_at"),
    ("LAST SEEN", "last_seen_at"),
];
const SESSIONS: [(&str, &str); 6] = [
    ("ID", "id"),
    ("CREATED", "created_at"),
    ("LAST USED", "last_used_at"),
    ("NETWORK", "network"),
    ("SECOND FACTOR", "second_factor"),
    ("DEVICES", "device_ids"),
];
const DEVICES: [(&str, &str); 5] = [
    ("DEVICE", "device_id"),
    ("PROVIDER", "provider"),
    ("STATE", "state"),
    ("LAST WAKE", "last_wake_at"),
    ("OUTCOME", "last_wake_outcome"),
];

#[derive(clap::Subcommand)]
pub(super) enum UserCommand {
    /// List accounts, newest first, or those whose names contain a text, by id.
    List {
        /// A part of the name, or an id.
        text: Option<String>,
        /// The next page: only those before this id, and with a text those after it.
        #[arg(long, value_name = "ID")]
        from: Option<i32>,
        /// How many, at most 200.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u64,
    },
    /// Show one account: its state, sessions, sockets, files and devices.
    Show {
        #[command(flatten)]
        account: Account,
        /// Also its e-mail address. That it was looked at is recorded in the audit log.
        #[arg(long)]
        reveal: bool,
    },
    /// List where its owner is signed in.
    Sessions(Account),
    /// End its sessions: tokens are refused, sockets are closed.
    Logout {
        #[command(flatten)]
        account: Account,
        /// Only this session, as `user sessions` shows it.
        #[arg(long, value_name = "ID")]
        session: Option<i64>,
    },
    /// Keep everybody from signing in to an account, and end its logins. What is written to it is kept.
    Disable(Account),
    /// Let its owner sign in again.
    Enable(Account),
    /// Give it a random password, which is printed this once, and end its logins.
    ResetPassword(Account),
    /// Switch its second factor off, for an owner who has lost it, and end its logins.
    ResetSecondFactor(Account),
    /// Print the limits that are set for it in the place of those of all.
    Limits(Account),
    /// Delete an account with all its conversations and files. It cannot be undone.
    Delete {
        #[command(flatten)]
        account: Account,
        /// Really.
        #[arg(long, required = true)]
        yes: bool,
    },
}

#[derive(clap::Args)]
pub(super) struct Account {
    /// The id of the account, or the name that signs in to it.
    #[arg(value_name = "ID|NAME", allow_hyphen_values = true)]
    user: String,
}

pub(super) async fn run(api: &mut Api, command: UserCommand) -> Result<Shown, Failure> {
    match command {
        UserCommand::List { text, from, limit } => list(api, text.as_deref(), from, limit).await,
        UserCommand::Show { account, reveal } => {
            let reveal = if reveal { "?reveal=true" } else { "" };
            let id = account.id(api).await?;
            let json = api.get(&format!("{PATH}/{id}{reveal}")).await?;
            Ok(Shown { text: detail(&json), json })
        }
        UserCommand::Sessions(account) => {
            let id = account.id(api).await?;
            let json = api.get(&format!("{PATH}/{id}/sessions")).await?;
            Ok(Shown { text: table(&json["sessions"], &SESSIONS, "nobody is signed in"), json })
        }
        UserCommand::Logout { account, session } => log_out(api, &account, session).await,
        UserCommand::Disable(account) => set_disabled(api, &account, true).await,
        UserCommand::Enable(account) => set_disabled(api, &account, false).await,
        UserCommand::ResetPassword(account) => {
            let id = account.id(api).await?;
            let json = api.post(&format!("{PATH}/{id}/reset_password"), &json!({})).await?;
            let password = json["password"].as_str().unwrap_or_default();
            Ok(Shown { text: format!("the password of account {id} is {password}; its logins have ended"), json })
        }
        UserCommand::ResetSecondFactor(account) => {
            let id = account.id(api).await?;
            let json = api.post(&format!("{PATH}/{id}/reset_second_factor"), &json!({})).await?;
            let was = if json["was_on"] == true { "is off" } else { "was off" };
            Ok(Shown { text: format!("the second factor of account {id} {was}; its logins have ended"), json })
        }
        UserCommand::Limits(account) => {
            let id = account.id(api).await?;
            limiter::of_user(api, id).await
        }
        UserCommand::Delete { account, .. } => {
            let id = account.id(api).await?;
            let json = api.delete(&format!("{PATH}/{id}")).await?;
            Ok(Shown { text: format!("account {id} is deleted"), json })
        }
    }
}

async fn list(api: &mut Api, text: Option<&str>, from: Option<i32>, limit: u64) -> Result<Shown, Failure> {
    let mut query = vec![("limit", limit.to_string())];
    query.extend(text.map(|text| ("query", text.to_owned())));
    query.extend(from.map(|id| (if text.is_some() { "after" } else { "before" }, id.to_string())));
    let query = serde_urlencoded::to_string(query).unwrap_or_default();
    let json = api.get(&format!("{PATH}?{query}")).await?;
    Ok(Shown { text: table(&json["users"], &COLUMNS, "there are no such accounts"), json })
}

fn detail(account: &Value) -> String {
    let more = [("SESSIONS", "sessions"), ("SOCKETS", "sockets"), ("FILE BYTES", "media_bytes"), ("E-MAIL", "email")];
    let there = more.into_iter().filter(|(_, key)| !account[key].is_null());
    let line = |(heading, key): (&str, &str)| format!("{heading:<15}{}", cell(&account[key]));
    let mut lines: Vec<String> = COLUMNS.iter().copied().chain(there).map(line).collect();
    lines.push(String::new());
    let mut text = lines.join("\n") + "\n";
    text.push_str(&table(&account["push_targets"], &DEVICES, "no device is registered to be woken"));
    text
}

async fn log_out(api: &mut Api, account: &Account, session: Option<i64>) -> Result<Shown, Failure> {
    let id = account.id(api).await?;
    let sessions = format!("{PATH}/{id}/sessions");
    if let Some(session) = session {
        let json = api.delete(&format!("{sessions}/{session}")).await?;
        return Ok(Shown { text: format!("session {session} of account {id} has ended"), json });
    }
    let json = api.delete(&sessions).await?;
    Ok(Shown { text: format!("{} sessions of account {id} have ended", cell(&json["ended"])), json })
}

async fn set_disabled(api: &mut Api, account: &Account, disabled: bool) -> Result<Shown, Failure> {
    let id = account.id(api).await?;
    let json = api.patch(&format!("{PATH}/{id}"), &json!({"disabled": disabled})).await?;
    let state = if disabled { "is disabled, and its logins have ended" } else { "is enabled" };
    Ok(Shown { text: format!("account {id} ({}) {state}", cell(&json["name"])), json })
}

impl Account {
    /// Returns the id; a name is looked up.
    pub(super) async fn id(&self, api: &mut Api) -> Result<i32, Failure> {
        if let Ok(id) = self.user.parse() {
            return Ok(id);
        }
        let name = serde_urlencoded::to_string([("name", &self.user)]).unwrap_or_default();
        let found = api.get(&format!("{PATH}?{name}")).await?;
        let id = found["users"][0]["id"].as_i64().and_then(|id| id.try_into().ok());
        id.ok_or_else(|| {
            let problem = json!({"status": 404, "code": "not_found", "detail": "no account signs in with this name"});
            Failure::Refused { status: 404, problem }
        })
    }
}
