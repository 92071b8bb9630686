//! A kept connection on which files go and come: what it sends is prepared, and what it reads is compared.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::random::Random;
use crate::requests::head;

/// Longest time of one request.
const TIMEOUT: Duration = Duration::from_mins(10);
/// Bytes that are written or read at once.
const PIECE: usize = 256 * 1024;

/// What all files hold: one MiB of random bytes, again and again.
pub(super) struct Content(Vec<u8>);

impl Content {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::of(seed, 0);
        Self((0..super::MIB / 8).flat_map(|_| random.next().to_le_bytes()).collect())
    }

    /// Returns what a file holds from `offset` on, up to `most` bytes.
    fn at(&self, offset: u64, most: u64) -> &[u8] {
        let start = usize::try_from(offset % self.0.len() as u64).unwrap_or_default();
        let rest = self.0.get(start..).unwrap_or_default();
        rest.get(..usize::try_from(most).unwrap_or(usize::MAX)).unwrap_or(rest)
    }

    /// Returns whether these bytes are what a file holds from `offset` on.
    fn is(&self, mut offset: u64, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let expected = self.at(offset, bytes.len() as u64);
            let (these, rest) = bytes.split_at(expected.len());
            if these != expected {
                return false;
            }
            (bytes, offset) = (rest, offset + expected.len() as u64);
        }
        true
    }
}

/// A connection.
pub(super) struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Line {
    pub(super) async fn open(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr).await.with_context(|| format!("cannot connect to {addr}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(PIECE) })
    }

    /// Sends the head of a request and a file of `bytes` bytes, and returns the body of the response.
    pub(super) async fn send(&mut self, head: &str, content: &Content, bytes: u64) -> Result<String> {
        let sending = async {
            self.stream.write_all(head.as_bytes()).await?;
            let mut sent = 0;
            while sent < bytes {
                let piece = content.at(sent, (bytes - sent).min(PIECE as u64));
                self.stream.write_all(piece).await?;
                sent += piece.len() as u64;
            }
            let (body, end) = self.head().await?;
            while self.buffer.len() < end {
                ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server cut the connection");
            }
            Ok(String::from_utf8_lossy(self.buffer.get(body..end).unwrap_or_default()).into_owned())
        };
        timeout(TIMEOUT, sending).await.context("no answer in time")?
    }

    /// Sends the head of a request without a body, and reads a response that must be a file of `bytes` bytes.
    pub(super) async fn read(&mut self, head: &str, content: &Content, bytes: u64) -> Result<()> {
        let reading = async {
            self.stream.write_all(head.as_bytes()).await?;
            let (body, end) = self.head().await?;
            ensure!((end - body) as u64 == bytes, "a file has {} bytes instead of {bytes}", end - body);
            self.buffer.drain(..body);
            let mut read = 0;
            loop {
                ensure!(content.is(read, &self.buffer), "a file holds something else");
                read += self.buffer.len() as u64;
                if read >= bytes {
                    return Ok(());
                }
                self.buffer.clear();
                ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server cut the connection");
            }
        };
        timeout(TIMEOUT, reading).await.context("no answer in time")?
    }

    /// Reads the head of a successful response. Returns where its body begins and ends.
    async fn head(&mut self) -> Result<(usize, usize)> {
        self.buffer.clear();
        loop {
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server cut the connection");
            match head(&self.buffer)? {
                Some((200..=299, body, end)) => return Ok((body, end)),
                Some((status, ..)) => bail!("a request was answered with {status}"),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_one_piece_again_and_again() {
        let content = Content::new(1);
        let file: Vec<u8> = content.0.iter().chain(&content.0).copied().collect();
        let near = super::super::MIB - 3;
        assert_eq!(content.at(near, 10).len(), 3);
        assert!(content.is(near, &file[usize::try_from(near).unwrap()..][..100]));
        assert!(!content.is(near + 1, &file[usize::try_from(near).unwrap()..][..100]));
        assert!(content.is(0, &file) && content.is(7, &[]));
    }
}
