//! The `keys` commands: the keys that sign access tokens. They work on the files; a server that runs notices it.

use fluent_backend::Config;
use fluent_backend::auth::{KeyDirectory, ListedKey, TokenKeys};
use fluent_backend::clock::Clock;

use super::{KeysCommand, say};

pub(crate) fn keys(config: &Config, command: KeysCommand) -> anyhow::Result<()> {
    let now = Clock::system().now();
    match command {
        KeysCommand::List { json } => {
            let keys = TokenKeys::list(config, now)?;
            if json {
                say(&serde_json::to_string(&keys)?);
            } else {
                for key in &keys {
                    say(&line(key));
                }
            }
        }
        KeysCommand::Rotate => {
            let (current, next) = KeyDirectory::of(config).rotate(now)?;
            say(&format!("{current} signs now, and {next} will be next"));
        }
        KeysCommand::Revoke { kid } => {
            TokenKeys::revoke(config, &kid, now)?;
            say(&format!("{kid} is revoked"));
        }
    }
    Ok(())
}

/// Returns the columns of a key, separated by tabs.
fn line(key: &ListedKey) -> String {
    let until = key.accepted_until.as_deref().unwrap_or("-");
    format!("{}\t{}\t{}\t{until}", key.kid, key.alg, key.state.as_str())
}
