//! HTTP with one request a connection, for the few requests that are not measured.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const TIMEOUT: Duration = Duration::from_secs(35);

/// Sends `GET path`, and returns the body of the response.
pub(crate) async fn get(addr: SocketAddr, path: &str) -> Result<String> {
    request(addr, &format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n")).await
}

/// Sends `POST path`, and returns the body of the response.
pub(crate) async fn post(addr: SocketAddr, path: &str, body: &serde_json::Value) -> Result<String> {
    let body = body.to_string();
    let head = format!("POST {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\nContent-Type: application/json");
    request(addr, &format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await
}

/// Sends `PUT path` as the user of a token, and returns the body of the response.
pub(crate) async fn put(addr: SocketAddr, path: &str, token: &str, body: &serde_json::Value) -> Result<String> {
    let body = body.to_string();
    let head = format!("PUT {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\nAuthorization: Bearer {token}");
    let head = format!("{head}\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
    request(addr, &format!("{head}\r\n\r\n{body}")).await
}

async fn request(addr: SocketAddr, request: &str) -> Result<String> {
    let asking = async {
        let mut stream = TcpStream::connect(addr).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        anyhow::Ok(answer)
    };
    let answer = tokio::time::timeout(TIMEOUT, asking).await.context("no answer in time")??;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    ensure!(head.starts_with("HTTP/1.1 2"), "{}", answer.lines().next().unwrap_or_default());
    Ok(body.to_owned())
}

/// Returns the mean of a histogram between two states of `/metrics`.
pub(crate) fn mean_between(before: &str, after: &str, metric: &str) -> Option<f64> {
    let of = |text: &str, suffix: &str| -> Option<f64> {
        let name = format!("{metric}{suffix} ");
        text.lines().find_map(|line| line.strip_prefix(&name))?.trim().parse().ok()
    };
    let grown = |suffix| Some(of(after, suffix)? - of(before, suffix).unwrap_or(0.0));
    let (sum, count) = (grown("_sum")?, grown("_count")?);
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means() {
        let (before, after) = ("rows_sum 10\nrows_count 5\n", "# HELP rows x\nrows_sum 40\nrows_count 15\n");
        assert_eq!(mean_between(before, after, "rows"), Some(3.0));
        assert_eq!(mean_between("", after, "rows"), Some(40.0 / 15.0));
        assert_eq!(mean_between(after, after, "rows"), None);
    }
}
