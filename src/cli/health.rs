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
    draining: bool,
    #[serde(default)]
    fenced: bool,
}

impl Readiness {
    /// Returns whether the server can be used.
    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }

    /// Returns why it cannot be used, in words.
    pub(super) fn reasons(&self) -> Vec<&'static str> {
        let reasons = [
            (!self.database, "the database does not take writes"),
            (!self.actors, "an actor does not run"),
            (self.draining, "it is stopping"),
            (self.fenced, "it is out of reach of the database, and others are not"),
        ];
        let known: Vec<_> = reasons.iter().filter_map(|(holds, words)| holds.then_some(*words)).collect();
        if known.is_empty() { vec!["all places for connections are taken"] } else { known }
    }

    /// Returns the state in words, and whether the server is well. A server that is only full is well: a restart would
    /// throw all clients out.
    fn verdict(&self) -> (&'static str, ExitCode) {
        if self.ready {
            ("ready", ExitCode::SUCCESS)
        } else if self.database && self.actors && !self.draining && !self.fenced {
            ("full: all places for connections are taken", ExitCode::SUCCESS)
        } else {
            ("not ready", ExitCode::FAILURE)
        }
    }
}

/// Succeeds when the server is well. Asks the operators' listener, which always has a place.
pub(crate) async fn healthcheck(listen: &ListenAddress) -> anyhow::Result<ExitCode> {
    let (text, code) = ask(listen).await?.verdict();
    say(text);
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
