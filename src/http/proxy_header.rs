//! Reads the PROXY header with which a proxy begins a connection.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::protocol::{PROXY_HEADER_START, ProxyHeaderError, proxy_header_client, proxy_header_length};

/// Longest time from accept to the end of the header: a proxy sends it at once.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A connection from a proxy did not begin as it must.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoProxyHeader {
    /// The header cannot be used.
    #[error(transparent)]
    Header(#[from] ProxyHeaderError),
    /// The connection ended before it.
    #[error("the connection ended before its PROXY header")]
    Io(#[from] io::Error),
    /// It did not come in time.
    #[error("no PROXY header within 2 s")]
    Late,
}

/// Reads the header, and nothing behind it. Returns the address of the client, or `None` when the proxy speaks for
/// itself.
pub(super) async fn read(stream: &mut TcpStream) -> Result<Option<IpAddr>, NoProxyHeader> {
    timeout(TIMEOUT, read_header(stream)).await.unwrap_or(Err(NoProxyHeader::Late))
}

async fn read_header(stream: &mut TcpStream) -> Result<Option<IpAddr>, NoProxyHeader> {
    let mut start = [0; PROXY_HEADER_START];
    stream.read_exact(&mut start).await?;
    let mut header = vec![0; proxy_header_length(&start)?];
    let (first, rest) = header.split_at_mut(PROXY_HEADER_START);
    first.copy_from_slice(&start);
    stream.read_exact(rest).await?;
    Ok(proxy_header_client(&header)?)
}
