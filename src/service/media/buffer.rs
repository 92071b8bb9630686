//! The blocks in which the body of an upload is written.

use bytes::{Bytes, BytesMut};

use crate::media::WRITTEN_AT_ONCE;

/// The block that is gathered of the pieces of a body. They are copied, so that a write by another thread has many of
/// them, and so that the connection reads the next one into the same memory.
pub(super) struct Buffer {
    block: BytesMut,
    /// Bytes of a block.
    room: usize,
}

impl Buffer {
    /// A buffer for a body of at most so many bytes.
    pub(super) fn new(bytes: u64) -> Self {
        let room = usize::try_from(bytes).unwrap_or(usize::MAX).min(WRITTEN_AT_ONCE);
        Self { block: BytesMut::new(), room }
    }

    /// Takes bytes of a piece. Returns a block when there is one to be written.
    pub(super) fn gather(&mut self, piece: &mut Bytes) -> Option<Bytes> {
        let part = piece.split_to(piece.len().min(self.room - self.block.len()));
        if self.block.is_empty() {
            // In the memory of the block before, which is written.
            self.block.reserve(self.room);
        }
        self.block.extend_from_slice(&part);
        (self.block.len() == self.room).then(|| self.take())
    }

    /// Takes what is gathered, as a block.
    pub(super) fn take(&mut self) -> Bytes {
        self.block.split().freeze()
    }

    /// Returns how many bytes are gathered.
    pub(super) fn bytes(&self) -> u64 {
        self.block.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_size_are_written_in_blocks_by_the_same_memory() {
        const BLOCK: usize = WRITTEN_AT_ONCE;
        let whole: Bytes = (0..3 * BLOCK + 20).map(|at| u8::try_from(at % 251).unwrap()).collect::<Vec<_>>().into();
        for size in [1000, 16 * 1024, BLOCK, 2 * BLOCK + 7] {
            let (mut buffer, mut written, mut memory) = (Buffer::new(u64::MAX), Vec::new(), None);
            for piece in whole.chunks(size) {
                let mut piece = Bytes::copy_from_slice(piece);
                while !piece.is_empty() {
                    let Some(block) = buffer.gather(&mut piece) else { continue };
                    assert_eq!((block.len(), buffer.bytes()), (BLOCK, 0));
                    assert_eq!(*memory.get_or_insert(block.as_ptr()), block.as_ptr());
                    written.extend_from_slice(&block);
                }
            }
            assert_eq!(buffer.bytes(), 20);
            written.extend_from_slice(&buffer.take());
            assert!(written == whole && buffer.bytes() == 0);
        }
    }

    #[test]
    fn a_short_body_takes_little_memory() {
        let mut buffer = Buffer::new(7);
        assert!(buffer.gather(&mut Bytes::from_static(b"123456")).is_none() && buffer.block.capacity() < 64);
        let mut rest = Bytes::from_static(b"78");
        assert_eq!(buffer.gather(&mut rest).unwrap(), b"1234567"[..]);
        assert_eq!(rest, b"8"[..]);
    }
}
