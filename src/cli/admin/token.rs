//! `admin token`: tokens by which programs reach the admin API.

use serde_json::json;

use super::Shown;
use super::api::Api;
use super::duration::seconds;
use super::failure::Failure;
use super::table::{cell, table};

const PATH: &str = "/admin/api/tokens";

const COLUMNS: [(&str, &str); 7] = [
    ("ID", "id"),
    ("NAME", "name"),
    ("SCOPE", "scope"),
    ("STATE", "state"),
    ("CREATED", "created_at"),
    ("EXPIRES", "expires_at"),
    ("LAST USED", "last_used_at"),
];

#[derive(clap::Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token and print it; it is shown only now.
    Create {
        /// What it is for, in a word or two.
        #[arg(long, value_name = "NAME")]
        name: String,
        /// What it is good for: `metrics` alone, `read` whatever shows no message and no secret, or `write` everything.
        #[arg(long, value_parser = ["metrics", "read", "write"])]
        scope: String,
        /// When it ends: a span such as 12h, 7d or 4w. Without it, never.
        #[arg(long, value_name = "SPAN", value_parser = seconds)]
        expires: Option<i64>,
    },
    /// List all tokens, the oldest first.
    List,
    /// Refuse a token from now on.
    Revoke {
        /// Its id.
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
}

pub(super) async fn run(api: &mut Api, command: TokenCommand) -> Result<Shown, Failure> {
    match command {
        TokenCommand::Create { name, scope, expires } => {
            let json = api.post(PATH, &json!({"name": name, "scope": scope, "expires_in_s": expires})).await?;
            let (secret, id) = (cell(&json["secret"]), cell(&json["id"]));
            let until = json["expires_at"].as_str().map(|_| format!(", until {}", cell(&json["expires_at"])));
            let until = until.unwrap_or_default();
            Ok(Shown { text: format!("{secret}\ntoken {id} ({scope}){until}; it is not shown again"), json })
        }
        TokenCommand::List => {
            let json = api.get(PATH).await?;
            Ok(Shown { text: table(&json["tokens"], &COLUMNS, "there are no tokens"), json })
        }
        TokenCommand::Revoke { id } => {
            // Anything else is no part of a path.
            if !id.bytes().all(|b| b.is_ascii_hexdigit()) || id.is_empty() {
                return Err(Failure::Refused { status: 404, problem: json!({"detail": "there is no such token"}) });
            }
            let json = api.delete(&format!("{PATH}/{id}")).await?;
            Ok(Shown { text: format!("token {id} is revoked"), json })
        }
    }
}
