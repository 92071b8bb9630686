//! The `keys` commands: the keys that sign access tokens.
//!
//! Keys are changed at the admin API, which notes it in the audit log. Where neither a server nor its store is reached,
//! the files are changed all the same: a key that others may have must not stay because a database is away. A server
//! that runs notices it.

use fluent_backend::Config;
use fluent_backend::auth::{KeyDirectory, ListedKey, TokenKeys};
use fluent_backend::clock::Clock;
use fluent_backend::domain::Timestamp;
use serde_json::{Value, json};

use super::admin::{Api, Failure};
use super::{KeysCommand, note, say};

pub(crate) async fn keys(config: &Config, command: KeysCommand) -> anyhow::Result<()> {
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
        change => {
            let done = match at_the_api(config, &change).await {
                Err(Failure::Unreachable(reason) | Failure::NotAllowed(reason)) => {
                    let done = in_files(config, &change, now)?;
                    note(&format!("this is not in the audit log: {reason}"));
                    done
                }
                done => done.map_err(|failure| anyhow::anyhow!("{failure}"))?,
            };
            match change {
                KeysCommand::Revoke { kid } => say(&format!("{kid} is revoked")),
                _ => say(&format!("{} signs now, and {} will be next", text(&done, "current"), text(&done, "next"))),
            }
        }
    }
    Ok(())
}

/// Changes the keys at the server, or at its store.
async fn at_the_api(config: &Config, change: &KeysCommand) -> Result<Value, Failure> {
    let mut api = Api::open(config).await?;
    let done = match change {
        KeysCommand::Revoke { kid } => api.delete(&format!("/admin/api/keys/{kid}")).await,
        _ => api.post("/admin/api/keys", &json!({})).await,
    };
    let closed = api.close().await;
    let done = done?;
    closed.map(|()| done)
}

fn in_files(config: &Config, change: &KeysCommand, now: Timestamp) -> anyhow::Result<Value> {
    if let KeysCommand::Revoke { kid } = change {
        TokenKeys::revoke(config, kid, now)?;
        return Ok(Value::Null);
    }
    let (current, next) = KeyDirectory::of(config).rotate(now)?;
    Ok(json!({"current": current, "next": next}))
}

fn text<'a>(answer: &'a Value, field: &str) -> &'a str {
    answer[field].as_str().unwrap_or_default()
}

/// Returns the columns of a key, separated by tabs.
fn line(key: &ListedKey) -> String {
    let until = key.accepted_until.as_deref().unwrap_or("-");
    format!("{}\t{}\t{}\t{until}", key.kid, key.alg, key.state.as_str())
}
