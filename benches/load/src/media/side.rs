//! Servers that take and give files, and how each is asked.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::line::{Content, Line};
use super::nginx::Nginx;
use crate::marked_frame::Dialect;
use crate::place::Place;
use crate::target::{Account, Target};

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The server that is measured.
    Server,
    /// Files over the same library, and nothing else.
    Bare,
    /// nginx with `dav_methods PUT`.
    Nginx,
}

/// A running server.
pub(super) struct Side {
    pub(super) kind: Kind,
    pub(super) target: Target,
    _nginx: Option<Nginx>,
}

/// A file that a server has.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// The path to read it at.
    pub(super) path: String,
    pub(super) bytes: u64,
}

impl Side {
    /// Starts a server with `accounts` users. `None` where there is no nginx.
    pub(super) async fn start(kind: Kind, place: &Place, accounts: u32) -> Result<Option<Self>> {
        let (target, nginx) = match kind {
            Kind::Server => (place.server(accounts, Dialect::V1).await?, None),
            Kind::Bare => (place.bare_files().await?, None),
            Kind::Nginx => {
                let Some(nginx) = Nginx::start(place).await? else { return Ok(None) };
                (nginx.target(), Some(nginx))
            }
        };
        Ok(Some(Self { kind, target, _nginx: nginx }))
    }

    /// Returns an account, by its place; what is no server of ours has none.
    pub(super) fn account(&self, place: usize) -> Option<&Account> {
        self.target.accounts.get(place)
    }

    /// Sends a file of `bytes` bytes, which the server then has; `name` names it where the server does not.
    pub(super) async fn upload(
        &self,
        line: &mut Line,
        account: Option<&Account>,
        name: &str,
        content: &Content,
        bytes: u64,
    ) -> Result<Stored> {
        let head = format!("Host: localhost\r\n{}Content-Length: {bytes}\r\n\r\n", authorization(account));
        if self.kind != Kind::Server {
            let path = format!("/{name}");
            line.send(&format!("PUT {path} HTTP/1.1\r\n{head}"), content, bytes).await?;
            return Ok(Stored { path, bytes });
        }
        let head = format!("POST /media HTTP/1.1\r\nContent-Type: application/octet-stream\r\n{head}");
        let body: Value = serde_json::from_str(&line.send(&head, content, bytes).await?)?;
        let path = body["upload_url"].as_str().context("an upload without its path")?.to_owned();
        Ok(Stored { path, bytes })
    }

    /// Reads a file, and compares it.
    pub(super) async fn download(
        &self,
        line: &mut Line,
        account: Option<&Account>,
        file: &Stored,
        content: &Content,
    ) -> Result<()> {
        let Stored { path, bytes } = file;
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", authorization(account));
        line.read(&head, content, *bytes).await
    }

    /// Deletes a file.
    pub(super) async fn delete(
        &self,
        line: &mut Line,
        account: Option<&Account>,
        file: &Stored,
        content: &Content,
    ) -> Result<()> {
        let head = format!("DELETE {} HTTP/1.1\r\nHost: localhost\r\n{}", file.path, authorization(account));
        line.send(&format!("{head}Content-Length: 0\r\n\r\n"), content, 0).await.map(drop)
    }
}

fn authorization(account: Option<&Account>) -> String {
    account.map(|account| format!("Authorization: Bearer {}\r\n", account.token)).unwrap_or_default()
}
