//! Reading a part of a file, block by block, in memory that is used again.

use std::fs::File;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt as _;

use super::{Local, run};
use crate::media::BLOCK;
use crate::media::disk::Disk as _;
use crate::media::store::Pieces;

/// Blocks that were sent, for those that are read next: a download has one on the way and one ahead.
#[derive(Clone, Default)]
struct Spare(Arc<Mutex<Vec<Vec<u8>>>>);

/// A block on its way. Its memory goes back when it was sent.
struct Lent {
    block: Vec<u8>,
    spare: Spare,
}

/// Reads a part of a file, block by block. What is in memory already is read at once, and for the rest a thread waits.
pub(super) fn pieces(local: Local, file: Arc<File>, range: Range<u64>) -> Pieces {
    let spare = Spare::default();
    let blocks = futures_util::stream::try_unfold(range.start, move |offset| {
        let (local, file, spare) = (local.clone(), file.clone(), spare.clone());
        async move {
            let left = range.end.saturating_sub(offset);
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(BLOCK);
            if count == 0 {
                return Ok(None);
            }
            let mut block = spare.take(count);
            let at_once = local.files.disk().read_cached(&file, &mut block, offset);
            if at_once < count {
                block = run(&local, move |files| {
                    let (rest, offset) = (block.get_mut(at_once..).unwrap_or_default(), offset + at_once as u64);
                    files.disk().read_at(&file, rest, offset).map(|()| block)
                })
                .await?;
            }
            Ok(Some((spare.lend(block), offset + count as u64)))
        }
    });
    blocks.boxed()
}

impl Spare {
    /// Returns a block of so many bytes.
    fn take(&self, bytes: usize) -> Vec<u8> {
        let mut block = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        block.resize(bytes, 0);
        block
    }

    fn lend(self, block: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { block, spare: self })
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.block
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let block = std::mem::take(&mut self.block);
        self.spare.0.lock().unwrap_or_else(PoisonError::into_inner).push(block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again() {
        let spare = Spare::default();
        let (first, second) = (spare.take(100), spare.take(100));
        let memory = first.as_ptr();
        let first = spare.clone().lend(first);
        let second = spare.clone().lend(second);
        assert_eq!(first.as_ptr(), memory, "not copied");
        let part = first.slice(10..20);
        drop(first);
        assert!(spare.0.lock().unwrap().is_empty(), "a part of it is still on its way");
        drop(part);
        let again = spare.take(60);
        assert_eq!((again.as_ptr(), again.len()), (memory, 60));
        drop(second);
        assert_eq!(spare.0.lock().unwrap().len(), 1);
    }
}
