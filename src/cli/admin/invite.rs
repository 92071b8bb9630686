//! `admin invite`: makes, lists and revokes invites.

use serde_json::json;

use super::Shown;
use super::api::Api;
use super::duration::seconds;
use super::failure::Failure;
use super::table::{cell, table};

const PATH: &str = "/admin/api/invites";

const COLUMNS: [(&str, &str); 9] = [
    ("ID", "id"),
    ("CODE", "code_begins"),
    ("STATE", "state"),
    ("USES", "uses"),
    ("LEFT", "uses_left"),
    ("EXPIRES", "expires_at"),
    ("FOR", "bound_to"),
    ("USED BY", "used_by"),
    ("NOTE", "note"),
];

#[derive(clap::Subcommand)]
pub(super) enum InviteCommand {
    /// Make an invite and print its code, which is shown only now.
    Create {
        /// How many accounts it is good for.
        #[arg(long, default_value_t = 1, value_name = "N")]
        uses: i32,
        /// When it ends: a span such as 12h, 7d or 4w.
        #[arg(long, default_value = "7d", value_name = "SPAN", value_parser = seconds)]
        expires: i64,
        /// The e-mail address or name that it is good for alone. Whoever registers with it needs no code, so this works
        /// for the Android app, which has no field for one.
        #[arg(long = "for", value_name = "NAME")]
        bound_to: Option<String>,
        /// A note for operators.
        #[arg(long, default_value = "", value_name = "TEXT")]
        note: String,
    },
    /// List invites, newest first. They are dropped 30 days after their end.
    List {
        /// Only those before this id.
        #[arg(long, value_name = "ID")]
        before: Option<i64>,
        /// How many.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u64,
    },
    /// End an invite. Accounts that were made with it stay.
    Revoke {
        /// Its id.
        id: i64,
    },
}

pub(super) async fn run(api: &mut Api, command: InviteCommand) -> Result<Shown, Failure> {
    match command {
        InviteCommand::Create { uses, expires, bound_to, note } => {
            let body = json!({"uses": uses, "expires_in_s": expires, "bound_to": bound_to, "note": note});
            let json = api.post(PATH, &body).await?;
            let (code, ends, id) = (cell(&json["code"]), cell(&json["expires_at"]), cell(&json["id"]));
            let whom = match json["bound_to"].as_str() {
                Some(_) => format!("{} alone, with or without the code", cell(&json["bound_to"])),
                None if uses == 1 => "one account".to_owned(),
                None => format!("{uses} accounts"),
            };
            Ok(Shown { text: format!("{code}\ninvite {id}: good for {whom}, until {ends}"), json })
        }
        InviteCommand::List { before, limit } => {
            let before = before.map(|id| format!("&before={id}")).unwrap_or_default();
            let json = api.get(&format!("{PATH}?limit={limit}{before}")).await?;
            Ok(Shown { text: table(&json["invites"], &COLUMNS, "there are no invites"), json })
        }
        InviteCommand::Revoke { id } => {
            let json = api.delete(&format!("{PATH}/{id}")).await?;
            Ok(Shown { text: format!("invite {id} is revoked"), json })
        }
    }
}
