//! How much of the disk a batch takes, for trying whether there is as much again.

use crate::domain::Command;

/// The pages that change with one message.
const ROOM_OF_ONE: usize = 16 * 1024;
/// At least, since the next batch may be a larger one; and at most, since messages of one batch share pages.
const ROOM: std::ops::Range<usize> = 256 * 1024..8 * 1024 * 1024;

/// About what a batch takes of the disk, in bytes: what is sent, and the pages that go with each message.
pub(in crate::actors) fn room_of(commands: &[Command]) -> usize {
    let sent = commands.iter().map(|command| match command {
        Command::Send(draft) => draft.bytes(),
        _ => 0,
    });
    let bytes = sent.map(|bytes| bytes.saturating_add(ROOM_OF_ONE)).fold(0, usize::saturating_add);
    bytes.clamp(ROOM.start, ROOM.end)
}
