//! The reading side.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::Result;

use super::board::Board;
use crate::clock;
use crate::marked_frame::{Seen, scan};
use crate::socket::Socket;

/// Records the frames that arrive, until it is stopped.
pub(super) async fn run(mut socket: Socket, number: usize, board: Arc<Board>) -> Result<()> {
    let writer = board.writer_of(number);
    loop {
        socket.transfer().await?;
        let now = clock::now();
        let mut times = board.times();
        while let Some(frame) = socket.next()? {
            match scan(frame) {
                Seen::Received(mark) if mark.pair == writer => {
                    let is_last = board.note_delivered(number, mark.seq);
                    if board.window.has(mark.intended) {
                        times.delivery.note(mark.intended, now);
                        if is_last {
                            times.last.note(mark.intended, now);
                        }
                    }
                }
                Seen::Received(_) | Seen::Acknowledged(_) => {
                    board.strays.fetch_add(1, Relaxed);
                }
                Seen::Error => {
                    board.errors.fetch_add(1, Relaxed);
                }
                Seen::Live | Seen::Other => {}
            }
        }
    }
}
