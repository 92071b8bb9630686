//! The purposes of connections.

/// The purpose of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) enum Purpose {
    /// Bringing the schema up to date. A missing SQLite file is made.
    Migrate,
    /// Inspecting the schema. A missing SQLite file is an error.
    Inspect,
    /// Writing: one connection on SQLite.
    Write,
    /// Retention, concurrent with the writer: one connection, with short waits for locks.
    Clean,
    /// Reading the journal, on PostgreSQL: one connection.
    Journal,
    /// Noting how far uploads have come, on SQLite: one connection, whose commits do not wait for the disk.
    Note,
    /// Reading: read-only connections on SQLite.
    Read,
}
