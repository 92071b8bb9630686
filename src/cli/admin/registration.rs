//! `admin registration`: who may register.

use serde_json::json;

use super::Shown;
use super::api::Api;
use super::failure::Failure;
use super::table::cell;

const PATH: &str = "/admin/api/registration";

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Who may register from now on, on all servers of the database; without it, who may now.
    #[arg(value_enum)]
    mode: Option<Mode>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Mode {
    /// Everybody.
    Open,
    /// Whoever has an invite.
    Invite,
    /// Nobody.
    Closed,
}

impl Mode {
    fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Invite => "invite",
            Self::Closed => "closed",
        }
    }
}

pub(super) async fn run(api: &mut Api, arguments: Arguments) -> Result<Shown, Failure> {
    let json = match arguments.mode {
        Some(mode) => api.put(PATH, &json!({"mode": mode.word()})).await?,
        None => api.get(PATH).await?,
    };
    let mode = cell(&json["mode"]);
    let why = if json["switched_at"].is_null() {
        "as the configuration says".to_owned()
    } else {
        format!("switched at {}; the configuration says {}", cell(&json["switched_at"]), cell(&json["configured"]))
    };
    Ok(Shown { text: format!("registration is {mode} ({why})"), json })
}
