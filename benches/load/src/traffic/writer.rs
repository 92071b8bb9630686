//! The writing side.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::Result;
use tokio::time::sleep_until;

use super::board::Board;
use super::pacing::Pacing;
use super::receipts::{Partners, Unread};
use crate::clock;
use crate::frame;
use crate::marked_frame::{MarkedFrame, Seen, scan};
use crate::socket::Socket;

/// Sends until the measured period is over, then waits for the remaining acknowledgements; with `partners` until each
/// message is known to be read.
pub(super) async fn run(
    mut socket: Socket,
    mut frame: MarkedFrame,
    pacing: Pacing,
    (number, partners): (u32, Option<Partners>),
    board: Arc<Board>,
) -> Result<()> {
    let mut unread = partners.map(Unread::new);
    let (mut seq, mut waiting) = (0_u64, 0_u64);
    loop {
        let now = clock::now();
        let before = seq;
        while let Some(intended) = pacing.due(now, seq, waiting).filter(|&due| due < board.window.to) {
            socket.queue(frame.write(seq, intended));
            if board.window.has(intended) {
                board.times().lag.note(intended, now);
            }
            seq += 1;
            waiting += 1;
        }
        board.sent.fetch_add(seq - before, Relaxed);
        if now >= board.window.to && waiting == 0 {
            return Ok(());
        }
        match pacing.wake(seq) {
            Some(due) if now < board.window.to => tokio::select! {
                turned = socket.transfer() => turned?,
                () = sleep_until(due) => {}
            },
            _ => socket.transfer().await?,
        }
        waiting -= read(&mut socket, number, &board, unread.as_mut())?.min(waiting);
    }
}

/// Records the replies that have arrived, and returns the number of messages that are done with them.
fn read(socket: &mut Socket, number: u32, board: &Board, mut unread: Option<&mut Unread>) -> Result<u64> {
    let now = clock::now();
    let mut done = 0;
    let mut times = board.times();
    while let Some(frame) = socket.next()? {
        match scan(frame) {
            Seen::Acknowledged(mark) if mark.pair == u64::from(number) => {
                if board.window.has(mark.intended) {
                    times.acknowledgement.note(mark.intended, now);
                }
                board.note_acknowledged(number as usize, mark.seq);
                match unread.as_deref_mut().zip(board.receipts.as_ref()) {
                    Some((unread, receipts)) => unread.store(frame, mark, receipts),
                    None => done += 1,
                }
            }
            Seen::Error => {
                done += 1;
                board.errors.fetch_add(1, Relaxed);
            }
            Seen::Received(_) | Seen::Acknowledged(_) => {
                board.strays.fetch_add(1, Relaxed);
            }
            Seen::Live | Seen::Other => {
                if frame::kind(frame) == b"receipt"
                    && let Some((unread, receipts)) = unread.as_deref_mut().zip(board.receipts.as_ref())
                {
                    let is_ours = unread.take(frame, receipts, |mark| {
                        done += 1;
                        receipts.note_read(number as usize, mark.seq);
                        if board.window.has(mark.intended) {
                            times.read.note(mark.intended, now);
                        }
                    });
                    board.strays.fetch_add((!is_ours).into(), Relaxed);
                }
            }
        }
    }
    Ok(done)
}
