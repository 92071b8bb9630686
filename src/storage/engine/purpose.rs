//! The purposes of connections.

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) enum Purpose {
    /// Bringing the schema up to date. Makes the SQLite file when it is missing.
    Migrate,
    /// Looking at the schema. A missing SQLite file is an error.
    Inspect,
    /// Writing: one connection on SQLite.
    Write,
    /// Clearing away, beside the writer: one connection, which soon gives way.
    Clean,
    /// Reading: read-only connections on SQLite.
    Read,
}
