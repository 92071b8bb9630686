//! The blocks in which the body of an upload is written.

use bytes::{Bytes, BytesMut};

use crate::media::WRITTEN_AT_ONCE;

/// Least bytes of a piece that is written as it came: smaller ones are gathered, so that they do not cost a write each,
/// and do not keep the memory that the connection has read them into.
const LARGE: usize = 24 * 1024;
/// Bytes that are gathered while a block is written: then that is waited for.
const AHEAD: usize = WRITTEN_AT_ONCE / 2;

/// The buffers of one transfer.
pub(super) struct Buffers {
    /// What the next block has.
    pieces: Vec<Bytes>,
    /// Its bytes.
    bytes: usize,
    /// Small pieces behind those, in one.
    small: BytesMut,
    /// Bytes of a block.
    room: usize,
    /// Bytes that are being written; none when nothing is.
    pub(super) pending_bytes: u64,
}

impl Buffers {
    /// Buffers for so many bytes.
    pub(super) fn new(bytes: u64) -> Self {
        let room = usize::try_from(bytes).unwrap_or(usize::MAX).min(WRITTEN_AT_ONCE);
        Self { pieces: Vec::new(), bytes: 0, small: BytesMut::new(), room, pending_bytes: 0 }
    }

    /// Takes bytes of a piece. Returns a block when there is one to be written.
    pub(super) fn gather(&mut self, piece: &mut Bytes) -> Option<Vec<Bytes>> {
        let part = piece.split_to(piece.len().min(self.room - self.bytes));
        self.bytes += part.len();
        if part.len() >= LARGE {
            self.end_small();
            self.pieces.push(part);
        } else {
            if self.small.is_empty() {
                // In the memory of those before, if they are written.
                self.small.reserve(self.room - self.bytes + part.len());
            }
            self.small.extend_from_slice(&part);
        }
        (self.bytes == self.room).then(|| self.take())
    }

    /// Returns whether there are bytes that do not fill a block.
    pub(super) fn has_gathered(&self) -> bool {
        self.bytes > 0
    }

    /// Returns whether a block must be written before more is gathered.
    pub(super) fn are_full(&self) -> bool {
        self.pending_bytes > 0 && self.bytes >= AHEAD
    }

    /// Takes what is gathered, as a block.
    pub(super) fn take(&mut self) -> Vec<Bytes> {
        self.end_small();
        self.bytes = 0;
        std::mem::take(&mut self.pieces)
    }

    /// Returns how many bytes have come that the writer does not count yet.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes as u64 + self.pending_bytes
    }

    fn end_small(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push(self.small.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gathers a piece, and returns the blocks that are full, each with the lengths of its pieces.
    fn gathered(buffers: &mut Buffers, mut piece: Bytes) -> Vec<Vec<Bytes>> {
        let mut blocks = Vec::new();
        while !piece.is_empty() {
            blocks.extend(buffers.gather(&mut piece));
        }
        blocks
    }

    fn lengths(blocks: &[Vec<Bytes>]) -> Vec<Vec<usize>> {
        blocks.iter().map(|block| block.iter().map(Bytes::len).collect()).collect()
    }

    #[test]
    fn large_pieces_are_written_as_they_come_and_small_ones_are_gathered() {
        const BLOCK: usize = WRITTEN_AT_ONCE;
        let whole: Bytes = (0..3 * BLOCK).map(|at| u8::try_from(at % 251).unwrap()).collect::<Vec<_>>().into();
        let mut buffers = Buffers::new(u64::MAX);
        let blocks = gathered(&mut buffers, whole.clone());
        assert_eq!(lengths(&blocks), vec![vec![BLOCK]; 3]);
        assert!(blocks[1][0].as_ptr() == whole[BLOCK..].as_ptr() && !buffers.has_gathered(), "no copies");

        let mut blocks = Vec::new();
        for at in (0..2 * BLOCK).step_by(1024) {
            blocks.extend(gathered(&mut buffers, whole.slice(at..at + 1024)));
        }
        assert_eq!(lengths(&blocks), vec![vec![BLOCK]; 2], "one piece of many");
        assert!(blocks.concat().concat() == whole[..2 * BLOCK]);

        // Small ones between large ones keep their places.
        let mut blocks = gathered(&mut buffers, whole.slice(..10));
        blocks.extend(gathered(&mut buffers, whole.slice(10..10 + LARGE)));
        blocks.extend(gathered(&mut buffers, whole.slice(10 + LARGE..BLOCK + 20)));
        assert_eq!(lengths(&blocks), [[10, LARGE, BLOCK - 10 - LARGE]]);
        assert_eq!((buffers.bytes(), buffers.are_full()), (20, false));
        let rest = buffers.take();
        assert!([blocks.concat(), rest].concat().concat() == whole[..BLOCK + 20]);

        let mut small = Buffers::new(7);
        assert!(gathered(&mut small, whole.slice(..6)).is_empty() && small.small.capacity() < 64);
        assert_eq!(lengths(&gathered(&mut small, whole.slice(6..7))), [[7]]);
    }

    #[test]
    fn little_is_gathered_while_a_block_is_written() {
        let mut buffers = Buffers::new(u64::MAX);
        let half = Bytes::from(vec![1; AHEAD]);
        assert!(gathered(&mut buffers, half.clone()).is_empty() && !buffers.are_full(), "nothing is written");
        assert_eq!(gathered(&mut buffers, half.clone()).len(), 1);
        buffers.pending_bytes = WRITTEN_AT_ONCE as u64;
        assert!(gathered(&mut buffers, half.slice(1..)).is_empty() && !buffers.are_full());
        assert!(gathered(&mut buffers, half.slice(..1)).is_empty() && buffers.are_full());
    }
}
