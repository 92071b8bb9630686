//! Somebody who watches the presence of others.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use fluent_client::ClientFrame;
use serde::Deserialize;
use tokio::sync::mpsc::UnboundedSender;

use crate::client;
use crate::clock;
use crate::marked_frame::Dialect;
use crate::phone::frame_of;
use crate::socket::Socket;
use crate::target::Account;

/// Users that a socket may watch.
pub(super) const WATCHED: usize = 250;

/// What a watcher was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) user: i64,
    pub(super) is_online: bool,
    /// When, by [`clock`].
    pub(super) at: u64,
}

#[derive(Deserialize)]
struct Presence {
    user_id: i64,
    status: String,
}

/// Watches these users on a socket there, and tells what it sees until the end.
pub(super) async fn watch(
    addr: SocketAddr,
    account: Account,
    watched: Vec<i64>,
    seen: UnboundedSender<Seen>,
) -> Result<()> {
    let mut socket = client::connect(addr, &account.token, Dialect::V1, "device_id=watcher").await?;
    socket.queue(&frame_of(&ClientFrame::Presence { watch: watched }));
    loop {
        read(&mut socket, &seen)?;
        socket.transfer().await.context("a watcher's socket has ended")?;
    }
}

fn read(socket: &mut Socket, seen: &UnboundedSender<Seen>) -> Result<()> {
    while let Some(frame) = socket.next()? {
        if memchr::memmem::find(frame, br#""type":"presence""#).is_none() {
            continue;
        }
        let Presence { user_id, status } = serde_json::from_slice(frame)?;
        // Nobody listens any more at the end.
        let _ = seen.send(Seen { user: user_id, is_online: status == "online", at: clock::now() });
    }
    Ok(())
}
