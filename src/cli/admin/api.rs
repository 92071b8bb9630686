//! The way to the admin API: an address, the socket of the running server, or the store itself while none runs.

use fluent_backend::Config;
use fluent_backend::http::LocalClient;
use fluent_backend::server::{OfflineServer, ServerError};
use http::Method;
use serde_json::{Value, json};

use super::failure::Failure;
use super::remote::{Remote, RemoteArgs};
use crate::cli::one_line;

/// The admin API.
pub(in crate::cli) struct Api(Way);

/// The way to it.
enum Way {
    /// By the socket of this machine, or to the store that is open.
    Local {
        client: LocalClient,
        /// While no server runs: what has its store open.
        offline: Option<OfflineServer>,
    },
    /// By an address.
    Remote(Remote),
}

impl Api {
    /// Reaches the server at an address, when one was given; or as [`open`](Self::open).
    pub(super) async fn reach(config: &Config, remote: RemoteArgs) -> Result<Self, Failure> {
        match Remote::of(remote)? {
            Some(remote) => Ok(Self(Way::Remote(remote))),
            None => Box::pin(Self::open(config)).await,
        }
    }

    /// Reaches the server at an address, when one was given; or the one that runs on this machine. Never opens a store:
    /// what is asked is about the server alone.
    pub(super) async fn running(config: &Config, remote: RemoteArgs) -> Result<Self, Failure> {
        Self::if_running(config, remote).await?.ok_or_else(|| nobody(config))
    }

    /// As [`running`](Self::running); `None` when no server runs on this machine.
    pub(super) async fn if_running(config: &Config, remote: RemoteArgs) -> Result<Option<Self>, Failure> {
        match Remote::of(remote)? {
            Some(remote) => Ok(Some(Self(Way::Remote(remote)))),
            None => Self::connect(config).await,
        }
    }

    /// Reaches the running server, or opens its store.
    pub(in crate::cli) async fn open(config: &Config) -> Result<Self, Failure> {
        match Self::connect(config).await? {
            Some(api) => Ok(api),
            None => Box::pin(Self::open_store(config)).await,
        }
    }

    /// Connects to the socket of the server on this machine; `None` when no server runs.
    #[cfg(unix)]
    pub(in crate::cli) async fn connect(config: &Config) -> Result<Option<Self>, Failure> {
        use std::io::ErrorKind;
        let path = config.admin_socket();
        match LocalClient::connect(&path).await {
            Ok(client) => Ok(Some(Self(Way::Local { client, offline: None }))),
            // None runs, or one has died there.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(None),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                let text = "is only for the user that the server runs as, and for root";
                Err(Failure::NotAllowed(format!("{} {text}", path.display())))
            }
            Err(error) => Err(Failure::Unreachable(format!("{}: {error}", path.display()))),
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_async, reason = "as where there are such sockets")]
    pub(in crate::cli) async fn connect(_: &Config) -> Result<Option<Self>, Failure> {
        Ok(None)
    }

    async fn open_store(config: &Config) -> Result<Self, Failure> {
        let offline = Box::pin(OfflineServer::open(config.clone())).await.map_err(unusable)?;
        let stream = offline.connect().map_err(|error| Failure::Unreachable(error.to_string()))?;
        let client = LocalClient::over(stream).await.map_err(|error| Failure::Unreachable(error.to_string()))?;
        Ok(Self(Way::Local { client, offline: Some(offline) }))
    }

    /// Ends the connection; when the store was open, stores everything and closes it.
    pub(in crate::cli) async fn close(self) -> Result<(), Failure> {
        match self.0 {
            Way::Local { client, offline: Some(offline) } => {
                drop(client);
                Box::pin(offline.close()).await.map_err(unusable)
            }
            Way::Local { .. } | Way::Remote(_) => Ok(()),
        }
    }

    /// Refuses what makes no sense while no server runs, and says why.
    pub(super) fn needs_server(&self, why: &str) -> Result<(), Failure> {
        match self.0 {
            Way::Local { offline: Some(_), .. } => Err(Failure::Unreachable(format!("no server runs: {why}"))),
            Way::Local { .. } | Way::Remote(_) => Ok(()),
        }
    }

    /// Waits longer for answers than usual.
    pub(super) fn wait_up_to(&mut self, longest: std::time::Duration) {
        match &mut self.0 {
            Way::Local { client, .. } => client.wait_up_to(longest),
            Way::Remote(remote) => remote.wait_up_to(longest),
        }
    }

    pub(in crate::cli) async fn get(&mut self, path: &str) -> Result<Value, Failure> {
        self.ask(Method::GET, path, None).await
    }

    pub(in crate::cli) async fn post(&mut self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.ask(Method::POST, path, Some(body)).await
    }

    pub(in crate::cli) async fn put(&mut self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.ask(Method::PUT, path, Some(body)).await
    }

    pub(in crate::cli) async fn patch(&mut self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.ask(Method::PATCH, path, Some(body)).await
    }

    pub(in crate::cli) async fn delete(&mut self, path: &str) -> Result<Value, Failure> {
        self.ask(Method::DELETE, path, None).await
    }

    /// Sends a request and returns the JSON of its answer, `{}` for an empty one.
    async fn ask(&mut self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let (status, body) = match &mut self.0 {
            Way::Remote(remote) => remote.ask(method, path, body).await?,
            Way::Local { client, .. } => {
                let answer = client.ask(method, path, body).await;
                let answer =
                    answer.map_err(|error| Failure::Unreachable(format!("the server did not answer: {error}")))?;
                (answer.status, answer.body)
            }
        };
        let json = if body.is_empty() { Some(json!({})) } else { serde_json::from_slice(&body).ok() };
        if !status.is_success() {
            return Err(Failure::Refused { status: status.as_u16(), problem: json.unwrap_or_default() });
        }
        json.ok_or_else(|| Failure::Unreachable("what answers is no server of this version".to_owned()))
    }
}

fn nobody(config: &Config) -> Failure {
    let path = config.admin_socket();
    let hint = "start one, or name another with --url";
    Failure::Unreachable(format!("no server runs here: nobody answers at {} ({hint})", path.display()))
}

fn unusable(error: ServerError) -> Failure {
    Failure::Unreachable(one_line(&error.into()))
}
