//! `admin user`: disables an account, and replaces what its owner signs in with.

use serde_json::{Value, json};

use super::Shown;
use super::api::Api;
use super::failure::Failure;
use super::table::cell;

const PATH: &str = "/admin/api/users";

#[derive(clap::Subcommand)]
pub(super) enum UserCommand {
    /// Keep everybody from signing in to an account, and end its logins. What is written to it is kept.
    Disable(Account),
    /// Let its owner sign in again.
    Enable(Account),
    /// Give it a random password, which is printed this once, and end its logins.
    ResetPassword(Account),
    /// Switch its second factor off, for an owner who has lost it, and end its logins.
    ResetSecondFactor(Account),
}

#[derive(clap::Args)]
pub(super) struct Account {
    /// The id of the account, or the name that signs in to it.
    #[arg(value_name = "ID|NAME")]
    user: String,
}

pub(super) async fn run(api: &mut Api, command: UserCommand) -> Result<Shown, Failure> {
    match command {
        UserCommand::Disable(Account { user }) => set_disabled(api, &user, true).await,
        UserCommand::Enable(Account { user }) => set_disabled(api, &user, false).await,
        UserCommand::ResetPassword(Account { user }) => {
            let id = id_of(api, &user).await?;
            let json = api.post(&format!("{PATH}/{id}/password"), &json!({})).await?;
            let password = json["password"].as_str().unwrap_or_default();
            Ok(Shown { text: format!("the password of account {id} is {password}; its logins have ended"), json })
        }
        UserCommand::ResetSecondFactor(Account { user }) => {
            let id = id_of(api, &user).await?;
            let json = api.delete(&format!("{PATH}/{id}/second_factor")).await?;
            let was = if json["was_on"] == true { "is off" } else { "was off" };
            Ok(Shown { text: format!("the second factor of account {id} {was}; its logins have ended"), json })
        }
    }
}

async fn set_disabled(api: &mut Api, user: &str, disabled: bool) -> Result<Shown, Failure> {
    let id = id_of(api, user).await?;
    let json = api.put(&format!("{PATH}/{id}/disabled"), &json!({"disabled": disabled})).await?;
    let state = if disabled { "is disabled, and its logins have ended" } else { "is enabled" };
    Ok(Shown { text: format!("account {id} ({}) {state}", cell(&json["user_name"])), json })
}

/// Returns the id; a name is looked up.
async fn id_of(api: &mut Api, user: &str) -> Result<Value, Failure> {
    if let Ok(id) = user.parse::<i32>() {
        return Ok(json!(id));
    }
    let name = serde_urlencoded::to_string([("name", user)]).unwrap_or_default();
    Ok(api.get(&format!("{PATH}?{name}")).await?["id"].take())
}
