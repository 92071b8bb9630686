//! The disk space that a batch needs, for checking that there is as much again.

use crate::domain::Command;

/// Bytes of the pages that change with one message.
const PAGES_OF_MESSAGE: usize = 16 * 1024;
/// Least and most bytes: the next batch may be a larger one, and messages of one batch share pages.
const SPACE: std::ops::Range<usize> = 256 * 1024..8 * 1024 * 1024;

/// Returns an estimate of the disk space of a batch, in bytes: its contents, and the pages that change with each
/// message.
pub(super) fn space_for(commands: &[Command]) -> usize {
    let sent = commands.iter().map(|command| match command {
        Command::Send(draft) => draft.bytes(),
        _ => 0,
    });
    let bytes = sent.map(|bytes| bytes.saturating_add(PAGES_OF_MESSAGE)).fold(0, usize::saturating_add);
    bytes.clamp(SPACE.start, SPACE.end)
}
