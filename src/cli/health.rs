//! The `healthcheck` command: asks the server on this machine whether it is ready.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use fluent_backend::config::{ListenAddress, reachable};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::say;

/// Longest wait for the server that is asked for its health.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

/// The part of `/readyz` on which a restart depends.
#[expect(clippy::struct_excessive_bools, reason = "the form of the answer")]
#[derive(Deserialize)]
pub(super) struct Readiness {
    ready: bool,
    database: bool,
    actors: bool,
    connections: bool,
    draining: bool,
    #[serde(default)]
    fenced: bool,
    #[serde(default)]
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    name: String,
    #[serde(default)]
    reason: Option<String>,
}

impl Readiness {
    /// Returns whether the server can be used.
    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }

    /// Returns why it cannot be used, in words.
    pub(super) fn reasons(&self) -> Vec<String> {
        let states = [
            (self.draining, "it is stopping"),
            (self.fenced, "it is out of reach of the database, and others are not"),
            (!self.connections, "all places for connections are taken"),
        ];
        let states = states.into_iter().filter(|(holds, _)| *holds).map(|(_, words)| words.to_owned());
        self.checks.iter().filter_map(Check::failure).chain(states).collect()
    }

    /// Returns the state in words, and whether the server is well. A server that is only full, or has too little room
    /// on its disk, is well: a restart would throw all clients out, and make no room.
    fn verdict(&self) -> (String, ExitCode) {
        let room = |check: &&Check| check.name == "disk";
        let is_ill = !self.database || !self.actors || self.draining || self.fenced;
        let is_ill = is_ill || self.checks.iter().any(|check| check.reason.is_some() && !room(&check));
        if self.ready {
            ("ready".to_owned(), ExitCode::SUCCESS)
        } else if is_ill {
            (format!("not ready: {}", self.reasons().join(", ")), ExitCode::FAILURE)
        } else if self.connections {
            let room = self.checks.iter().find(room).and_then(Check::failure);
            (room.unwrap_or_else(|| "not ready".to_owned()), ExitCode::SUCCESS)
        } else {
            ("full: all places for connections are taken".to_owned(), ExitCode::SUCCESS)
        }
    }
}

impl Check {
    /// Returns what fails, and why, if it does.
    fn failure(&self) -> Option<String> {
        self.reason.as_ref().map(|reason| format!("{}: {reason}", self.name))
    }
}

/// Succeeds when the server is well. Asks the operators' listener, which always has a place.
pub(crate) async fn healthcheck(listen: &ListenAddress) -> anyhow::Result<ExitCode> {
    let (text, code) = ask(listen).await?.verdict();
    say(&text);
    Ok(code)
}

/// Asks the operators' listener how the server is.
pub(super) async fn ask(listen: &ListenAddress) -> anyhow::Result<Readiness> {
    let addresses = listen.resolve().with_context(|| format!("cannot find {listen}"))?;
    let address = addresses.first().with_context(|| format!("{listen} has no address"))?;
    tokio::time::timeout(HEALTH_TIMEOUT, readiness(reachable(*address)))
        .await
        .context("the server did not answer in time")?
        .with_context(|| format!("cannot ask the server on {listen} (admin.listen)"))
}

async fn readiness(addr: SocketAddr) -> anyhow::Result<Readiness> {
    let mut stream = TcpStream::connect(addr).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer).await?;
    let (_, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    serde_json::from_str(body).context("not the answer of a server of this version")
}
