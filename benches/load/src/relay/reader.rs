//! The side that reads.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::Result;

use super::board::Board;
use crate::clock;
use crate::letter::{Seen, scan};
use crate::socket::Socket;

/// Notes what comes, until it is stopped.
pub(super) async fn run(mut socket: Socket, number: u32, board: Arc<Board>) -> Result<()> {
    loop {
        socket.turn().await?;
        let now = clock::now();
        let mut delivered = 0;
        let mut times = board.times();
        while let Some(frame) = socket.next()? {
            match scan(frame) {
                Seen::Received(mark) if mark.pair == u64::from(number) => {
                    delivered += 1;
                    if board.window.has(mark.intended) {
                        times.delivery.note(mark.intended, now);
                    }
                    board.pair(number, |pair| pair.delivered.note(mark.seq));
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
        drop(times);
        board.delivered.fetch_add(delivered, Relaxed);
    }
}
