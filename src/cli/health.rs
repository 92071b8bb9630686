//! Asking the server on this machine whether it is ready.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use fluent_backend::config::{ListenAddress, reachable};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::say;

/// Longest wait for the server that is asked for its health.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

/// Success when `/readyz` of the server answers 200.
pub(crate) async fn healthcheck(listen: &ListenAddress) -> anyhow::Result<ExitCode> {
    let addresses = listen.resolve().with_context(|| format!("cannot find {listen}"))?;
    let address = addresses.first().with_context(|| format!("{listen} has no address"))?;
    let ready = tokio::time::timeout(HEALTH_TIMEOUT, is_ready(reachable(*address)))
        .await
        .context("the server did not answer in time")?
        .with_context(|| format!("cannot ask the server on {listen}"))?;
    say(if ready { "ready" } else { "not ready" });
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn is_ready(addr: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(addr).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200 "))
}
