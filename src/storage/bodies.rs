//! Destroying ciphertexts.

use sea_orm::DatabaseBackend;

/// Whose copy of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Sender,
    Receiver,
    Both,
}

/// The statement that destroys copies of the message `$1`.
///
/// On SQLite as many zeros take their place, so that the row keeps its size and is overwritten where it is, overflow pages
/// included (`btreeOverwriteCell` in SQLite's btree.c). A row that shrinks would have its page rearranged, and pages leave copies
/// of what they held in their unused parts. PostgreSQL writes a new row in any case, and its vacuum clears the old one.
pub(super) fn destroy(backend: DatabaseBackend, side: Side) -> &'static str {
    match (backend, side) {
        (DatabaseBackend::Sqlite, Side::Sender) => {
            "UPDATE bodies SET sender_copy = zeroblob(length(sender_copy)) WHERE id = $1"
        }
        (DatabaseBackend::Sqlite, Side::Receiver) => {
            "UPDATE bodies SET receiver_copy = zeroblob(length(receiver_copy)) WHERE id = $1"
        }
        (DatabaseBackend::Sqlite, Side::Both) => {
            "UPDATE bodies SET sender_copy = zeroblob(length(sender_copy)), \
             receiver_copy = zeroblob(length(receiver_copy)) WHERE id = $1"
        }
        (_, Side::Sender) => "UPDATE bodies SET sender_copy = '' WHERE id = $1",
        (_, Side::Receiver) => "UPDATE bodies SET receiver_copy = '' WHERE id = $1",
        (_, Side::Both) => "DELETE FROM bodies WHERE id = $1",
    }
}
