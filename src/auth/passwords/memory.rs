//! The memory that a hash fills, kept for the next one.
//!
//! Fresh memory costs a page fault every 4 KiB, which makes a hash of 19 MiB a third slower. What a hash leaves behind
//! must be wiped: the passes can be undone from it, and its first blocks show at next to no cost whether a guess of the
//! password is right.

use argon2::Block;
use argon2::password_hash::{Error, Result};
use zeroize::{Zeroize as _, Zeroizing};

/// Blocks of one thread. They are wiped before they are given back.
pub(super) struct Memory {
    blocks: Zeroizing<Vec<Block>>,
    /// Most blocks that are kept while idle. Only hashes of former settings need more.
    keep: usize,
    is_dirty: bool,
}

impl Memory {
    /// Makes an empty memory. At most `keep` blocks (of 1 KiB) will stay when they are not in use.
    pub(super) fn new(keep: usize) -> Self {
        Self { blocks: Zeroizing::default(), keep, is_dirty: false }
    }

    /// Returns `count` blocks of 1 KiB, with the contents that the last hash left: argon2 writes each before it reads
    /// it.
    ///
    /// Returns [`Error::OutOfMemory`] when the system has no more.
    pub(super) fn lend(&mut self, count: usize) -> Result<&mut [Block]> {
        if count > self.blocks.len() {
            // Allocated anew: growing the old blocks would copy useless contents.
            self.give_back();
            self.blocks.try_reserve_exact(count).map_err(|_| Error::OutOfMemory)?;
            self.blocks.resize(count, Block::new());
        }
        self.is_dirty = true;
        self.blocks.get_mut(..count).ok_or(Error::Internal)
    }

    /// Wipes all of it, and leaves no more blocks than are kept.
    pub(super) fn wipe(&mut self) {
        if self.blocks.len() > self.keep {
            self.give_back();
        } else if self.is_dirty {
            self.blocks.iter_mut().zeroize();
            self.is_dirty = false;
        }
    }

    /// Gives all of it back to the allocator, wiped.
    pub(super) fn give_back(&mut self) {
        self.blocks = Zeroizing::default();
        self.is_dirty = false;
    }

    /// Returns the number of blocks.
    #[cfg(test)]
    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_blank(memory: &Memory) -> bool {
        memory.blocks().iter().all(|block| block.as_ref().iter().all(|word| *word == 0))
    }

    fn fill(memory: &mut Memory, count: usize) -> *const Block {
        let blocks = memory.lend(count).unwrap();
        assert_eq!(blocks.len(), count);
        for block in blocks.iter_mut() {
            block.as_mut().fill(u64::MAX);
        }
        blocks.as_ptr()
    }

    #[test]
    fn the_same_blocks_again_and_wiped() {
        let mut memory = Memory::new(64);
        let first = fill(&mut memory, 64);
        assert!(!is_blank(&memory));
        memory.wipe();
        assert!(is_blank(&memory) && memory.blocks().len() == 64);
        assert_eq!(fill(&mut memory, 64), first);
        // A hash that needs less leaves what is behind its end, which is wiped too.
        assert_eq!(fill(&mut memory, 8), first);
        memory.wipe();
        assert!(is_blank(&memory) && memory.blocks().len() == 64);
    }

    #[test]
    fn what_is_more_than_usual_is_not_kept() {
        let mut memory = Memory::new(64);
        fill(&mut memory, 64);
        fill(&mut memory, 65);
        memory.wipe();
        assert!(memory.blocks().is_empty());
        fill(&mut memory, 64);
        memory.give_back();
        assert!(memory.blocks().is_empty());
    }

    #[test]
    fn more_than_there_is() {
        assert_eq!(Memory::new(1).lend(usize::MAX / 2048).unwrap_err(), Error::OutOfMemory);
    }
}
