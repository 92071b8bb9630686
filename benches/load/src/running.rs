//! A server that runs already, in which accounts are made as anybody would make them.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::json;

use crate::clock;
use crate::http;
use crate::target::{Account, Target};

/// Accounts that are made at once: each costs the server two password hashes.
const AT_ONCE: usize = 4;
const PASSWORD: &str = "correct horse battery staple";

/// A server that runs already.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Running {
    /// Instead of a server of the tool's own, one that runs: http://host:port. Its limits.enabled should be off
    #[arg(
        long,
        value_name = "URL",
        value_parser = address,
        conflicts_with_all = ["server", "database_url", "postgres", "dir"]
    )]
    pub(crate) url: Option<SocketAddr>,
    /// Where that server has its metrics: http://host:port
    #[arg(long, value_name = "URL", value_parser = address, requires = "url")]
    admin_url: Option<SocketAddr>,
    /// That server's process, to say what it costs
    #[arg(long, requires = "url")]
    pid: Option<u32>,
}

impl Running {
    /// The server at `addr` with `count` accounts, made by its public interface.
    pub(crate) async fn target(&self, addr: SocketAddr, count: u32) -> Result<Target> {
        let run = clock::unix_micros();
        let making = (1..=count).map(|number| account(addr, format!("load-{run}-{number}")));
        let accounts = futures_util::stream::iter(making).buffered(AT_ONCE).try_collect().await?;
        Ok(Target::running(addr, self.admin_url, self.pid, accounts))
    }
}

/// Registers somebody and logs in.
async fn account(addr: SocketAddr, name: String) -> Result<Account> {
    #[derive(Deserialize)]
    struct Registered {
        id: i32,
    }
    #[derive(Deserialize)]
    struct Tokens {
        access_token: String,
    }
    let email = format!("{name}@example.org");
    let body = json!({"username": name, "email": email, "password": PASSWORD, "public_key": "AAAA"});
    let registered = http::post(addr, "/auth/register", &body).await.context("cannot register")?;
    let tokens = http::post(addr, "/auth/login", &json!({"username": name, "password": PASSWORD})).await?;
    let Registered { id } = serde_json::from_str(&registered)?;
    let Tokens { access_token } = serde_json::from_str(&tokens)?;
    Ok(Account { id, token: access_token })
}

/// The address in a URL without TLS.
fn address(url: &str) -> Result<SocketAddr> {
    use std::net::ToSocketAddrs as _;
    let authority = url.strip_prefix("http://").context("only http:// is spoken")?.trim_end_matches('/');
    authority.to_socket_addrs()?.next().context("there is no such host")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        assert_eq!(address("http://127.0.0.1:8000/").unwrap(), SocketAddr::from(([127, 0, 0, 1], 8000)));
        assert!(address("https://127.0.0.1:8000").is_err() && address("http://127.0.0.1").is_err());
    }
}
