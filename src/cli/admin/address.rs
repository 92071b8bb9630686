//! `admin address`: which networks may come in.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::Shown;
use super::api::Api;
use super::duration::seconds;
use super::failure::Failure;
use super::table::{cell, table};

const PATH: &str = "/admin/api/address_rules";

const COLUMNS: [(&str, &str); 9] = [
    ("ID", "id"),
    ("NETWORK", "cidr"),
    ("ACTION", "action"),
    ("SCOPE", "scope"),
    ("BY", "source"),
    ("STRIKES", "strikes"),
    ("SINCE", "created_at"),
    ("UNTIL", "expires_at"),
    ("REASON", "reason"),
];

#[derive(clap::Subcommand)]
pub(super) enum AddressCommand {
    /// List rules and bans, with those that ended within the last days.
    List {
        /// Only those after this id.
        #[arg(long, default_value_t = 0, value_name = "ID")]
        after: i64,
        /// How many, at most 200.
        #[arg(long, default_value_t = 200, value_name = "N")]
        limit: u64,
    },
    /// Keep a network out; it replaces the rule for the same network and scope.
    Block(Rule),
    /// Let a network in, whatever wider rules say; it is not banned either.
    Allow(Rule),
    /// Remove the rules for a network, bans too.
    Remove {
        /// The network, as `address list` shows it.
        cidr: String,
        /// Only the rule of this scope.
        #[arg(long, value_enum)]
        scope: Option<Scope>,
    },
    /// Show which rules decide about an address.
    Check {
        /// The address.
        address: String,
    },
}

#[derive(clap::Args)]
pub(super) struct Rule {
    /// The network: an address, or one such as 203.0.113.0/24.
    cidr: String,
    /// For how long: a span such as 2h, 7d or 4w; without it, until it is removed.
    #[arg(long = "for", value_name = "SPAN", value_parser = seconds)]
    for_s: Option<i64>,
    /// What it is about.
    #[arg(long, value_enum, default_value = "all")]
    scope: Scope,
    /// Why, for operators.
    #[arg(long, default_value = "", value_name = "TEXT")]
    reason: String,
    /// Also when it shuts out whoever makes it.
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub(super) enum Scope {
    /// Every request and every open socket.
    All,
    /// What comes without a valid credential: registration, logins, handshakes. Whoever is signed in goes on.
    Auth,
}

impl Scope {
    fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Auth => "auth",
        }
    }
}

pub(super) async fn run(api: &mut Api, command: AddressCommand) -> Result<Shown, Failure> {
    match command {
        AddressCommand::List { after, limit } => {
            let json = api.get(&format!("{PATH}?after={after}&limit={limit}")).await?;
            Ok(Shown { text: table(&json["rules"], &COLUMNS, "there are no rules"), json })
        }
        AddressCommand::Block(rule) => set(api, "block", rule).await,
        AddressCommand::Allow(rule) => set(api, "allow", rule).await,
        AddressCommand::Remove { cidr, scope } => {
            let scope = scope.map(|scope| format!("&scope={}", scope.word())).unwrap_or_default();
            let json = api.delete(&format!("{PATH}?cidr={}{scope}", escaped(&cidr))).await?;
            Ok(Shown { text: format!("there is no rule for {} any more", cell(&cidr.into())), json })
        }
        AddressCommand::Check { address } => {
            let json = api.get(&format!("{PATH}/check?address={}", escaped(&address))).await?;
            let text = format!(
                "requests and sockets: {}\nregistration, logins, handshakes without a valid credential: {}",
                decision(&json["all"]),
                decision(&json["auth"])
            );
            Ok(Shown { json, text })
        }
    }
}

async fn set(api: &mut Api, action: &str, rule: Rule) -> Result<Shown, Failure> {
    let Rule { cidr, for_s, scope, reason, force } = rule;
    let body = json!({
        "cidr": cidr, "action": action, "scope": scope.word(), "for_s": for_s, "reason": reason, "force": force,
    });
    let json = api.post(PATH, &body).await?;
    Ok(Shown { text: format!("{}: {}", cell(&json["cidr"]), decision(&json)), json })
}

/// Returns in words what a rule says, and where it is from.
fn decision(rule: &Value) -> String {
    let verb = match rule["action"].as_str() {
        Some("block") => "blocked",
        Some(_) => "let in",
        None => return "let in, no rule is about it".to_owned(),
    };
    let until =
        if rule["expires_at"].is_null() { String::new() } else { format!(" until {}", cell(&rule["expires_at"])) };
    format!("{verb}{until} (rule {} for {}, scope {})", rule["id"], cell(&rule["cidr"]), cell(&rule["scope"]))
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
