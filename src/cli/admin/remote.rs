//! The admin API of a server that is reached by an address, with a token.

use std::time::Duration;

use http::Method;
use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::failure::Failure;
use crate::cli::http::client;
use crate::cli::one_line;

/// Longest wait for an answer, as at the socket of this machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// Which server is asked, when it is not the one of this machine.
#[derive(clap::Args)]
pub(super) struct RemoteArgs {
    /// The operators' address of a server, `http://127.0.0.1:9000`, in the place of the server or the store of this
    /// machine. The token is read from `FLUENT_ADMIN_TOKEN`.
    #[arg(long, global = true, value_name = "URL")]
    url: Option<Url>,
    /// The token, from the environment alone: arguments are seen by all users of the machine.
    #[arg(long, global = true, hide = true, env = "FLUENT_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<SecretString>,
}

impl RemoteArgs {
    /// Returns the address that was given.
    pub(super) fn url(&self) -> Option<&Url> {
        self.url.as_ref()
    }
}

/// A server at an address.
pub(super) struct Remote {
    client: Client,
    url: Url,
    token: SecretString,
    longest: Duration,
}

impl Remote {
    /// Prepares requests; `None` when no address was given.
    pub(super) fn of(args: RemoteArgs) -> Result<Option<Self>, Failure> {
        let Some(url) = args.url else { return Ok(None) };
        let token = args.admin_token.ok_or_else(|| {
            Failure::NotAllowed(
                "set FLUENT_ADMIN_TOKEN to a token of that server (`fluent-backend admin token create` makes one)"
                    .to_owned(),
            )
        })?;
        let client = client(None).map_err(|error| Failure::Unreachable(one_line(&error)))?;
        Ok(Some(Self { client, url, token, longest: PATIENCE }))
    }

    /// Waits longer for answers than usual.
    pub(super) fn wait_up_to(&mut self, longest: Duration) {
        self.longest = longest;
    }

    /// Sends a request, and returns status and body of its answer.
    pub(super) async fn ask(&self, method: Method, path: &str, body: Option<&serde_json::Value>) -> Answer {
        let url = format!("{}{path}", self.url.as_str().trim_end_matches('/'));
        let mut request =
            self.client.request(method, url).timeout(self.longest).bearer_auth(self.token.expose_secret());
        if let Some(body) = body {
            request = request.header(http::header::CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let unreachable = |error: reqwest::Error| {
            Failure::Unreachable(format!("{}: {}", self.url, one_line(&error.without_url().into())))
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        Ok((status, response.bytes().await.map_err(unreachable)?))
    }
}

/// Status and body, or why there is none.
type Answer = Result<(http::StatusCode, bytes::Bytes), Failure>;
