//! The history of the devices: each was connected once, and has missed messages since.

use anyhow::{Context as _, Result, bail};
use futures_util::future::try_join_all;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::Storm;
use crate::client::{self, OPENING};
use crate::clock;
use crate::frame::{self, Cursor};
use crate::marked_frame::{Dialect, MarkedFrame, Seen, scan};
use crate::progress::Progress;
use crate::target::{Account, Target};

/// Users who write to the absent devices.
pub(super) const WRITERS: u32 = 32;
/// Unacknowledged messages of each of them; the server allows 64.
const WINDOW: usize = 48;

/// The `device_id` of all devices: each is of another user.
pub(super) const DEVICE: &str = "device_id=storm";

/// Lets each device connect once and leave, and returns its cursor.
pub(super) async fn cursors(target: &Target, clients: &[Account]) -> Result<Vec<Cursor>> {
    let progress = Progress::counting("devices come and go", clients.len() as u64);
    let progress = &progress;
    let coming = clients.iter().map(|account| async move {
        let mut socket = client::open(target.addr, &account.token, Dialect::V1, DEVICE).await?;
        loop {
            while let Some(frame) = socket.next()? {
                if frame::kind(frame) == b"live" {
                    progress.step();
                    return Cursor::of(frame).context("a live without a cursor");
                }
            }
            socket.transfer().await?;
        }
    });
    stream::iter(coming).buffered(OPENING).try_collect().await
}

/// Sends each client the messages that it will have missed, in turn.
pub(super) async fn missed(target: &Target, storm: &Storm, clients: &[Account], writers: &[Account]) -> Result<()> {
    let progress = Progress::counting("messages to the absent", u64::from(storm.clients) * u64::from(storm.missed));
    let writing = writers.iter().zip(0..).map(|(writer, number)| {
        let theirs = clients.iter().zip(0_u64..).skip(number).step_by(writers.len());
        let frames = theirs
            .map(|(client, number)| MarkedFrame::new(Dialect::V1, number, client.id, storm.bytes as usize, storm.seed));
        write(target, writer, frames.collect::<Result<Vec<_>>>(), storm.missed, &progress)
    });
    try_join_all(writing).await?;
    Ok(())
}

async fn write(
    target: &Target,
    writer: &Account,
    frames: Result<Vec<MarkedFrame>>,
    missed: u32,
    progress: &Progress,
) -> Result<()> {
    let mut frames = frames?;
    let mut socket = client::connect(target.addr, &writer.token, Dialect::V1, "").await?;
    let mut waiting = 0;
    for seq in 0..u64::from(missed) {
        for frame in &mut frames {
            socket.queue(frame.write(seq, clock::now()));
            waiting += 1;
            while waiting >= WINDOW {
                socket.transfer().await?;
                waiting -= answers(&mut socket, progress)?;
            }
        }
    }
    while waiting > 0 {
        socket.transfer().await?;
        waiting -= answers(&mut socket, progress)?;
    }
    Ok(())
}

/// Counts the acknowledgements that have arrived.
fn answers(socket: &mut crate::socket::Socket, progress: &Progress) -> Result<usize> {
    let mut count = 0;
    while let Some(frame) = socket.next()? {
        match scan(frame) {
            Seen::Acknowledged(_) => {
                count += 1;
                progress.step();
            }
            Seen::Error => bail!("a message was refused: {}", String::from_utf8_lossy(frame)),
            _ => {}
        }
    }
    Ok(count)
}
