//! The `push` commands: the key by which services of Web Push know this server.

use fluent_backend::Config;
use fluent_backend::push::{rotate_vapid, vapid_public_key};

use super::{PushCommand, VapidCommand, say};

pub(crate) fn push(config: &Config, command: &PushCommand) -> anyhow::Result<()> {
    let PushCommand::Vapid { command } = command;
    match command {
        VapidCommand::Show => say(&vapid_public_key(config)?),
        VapidCommand::Rotate { yes: false } => anyhow::bail!(
            "a new key loses all subscriptions: browsers and UnifiedPush apps must subscribe anew, and are not woken \
             until they do. Say --yes if that is meant"
        ),
        VapidCommand::Rotate { yes: true } => {
            let public = rotate_vapid(config)?;
            say(&format!("the new public key is {public}; servers use it after a restart"));
        }
    }
    Ok(())
}
