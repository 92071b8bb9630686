//! The reading side.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::Result;

use super::board::Board;
use super::receipts::{Partners, Reports};
use crate::clock;
use crate::marked_frame::{Seen, scan};
use crate::socket::Socket;

/// Records the frames that arrive, and with `partners` reports them, until it is stopped.
pub(super) async fn run(
    mut socket: Socket,
    number: usize,
    partners: Option<Partners>,
    board: Arc<Board>,
) -> Result<()> {
    let writer = board.writer_of(number);
    let mut receipts = partners.map(Reports::new).zip(board.receipts.as_ref());
    let mut outbox = Vec::new();
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
                    if let Some((reports, receipts)) = &mut receipts {
                        reports.report(frame, mark, receipts, &mut outbox);
                    }
                }
                Seen::Received(_) | Seen::Acknowledged(_) => {
                    board.strays.fetch_add(1, Relaxed);
                }
                Seen::Error => {
                    board.errors.fetch_add(1, Relaxed);
                }
                Seen::Live | Seen::Other => {
                    if let Some((reports, receipts)) = &mut receipts
                        && let Some(seq) = reports.answer(frame, receipts)
                    {
                        receipts.note_answered(number, seq);
                    }
                }
            }
        }
        drop(times);
        socket.queue(&outbox);
        outbox.clear();
    }
}
