//! The bytes of files: opaque to the server, on a disk of this machine or in a bucket (see `s3`).
//!
//! On a disk, an unfinished file is `up/<hex>`, a whole one `ab/cd/<hex>`, named by the hexadecimal digits of its id:
//! base64 names collide where a file system ignores case. What counts is the offset in the database, which is committed
//! only after the bytes below it are on the disk. So a file may be longer than its offset, after a crash, and is cut to
//! it before it grows on; it is never shorter, unless the disk has lost what it had confirmed.

mod digests;
mod disk;
mod files;
mod flow;
#[cfg(test)]
mod forgetful_disk;
mod give_way;
mod local;
mod pace;
#[cfg(feature = "s3")]
pub mod s3;
mod store;

pub(crate) use digests::Checking;
pub use digests::{Checksum, ChecksumKind, digest_of};
pub use files::Found;
pub use flow::MessageFlow;
pub use give_way::Governor;
pub use store::{BlobStore, BlobWriter, Blobs, KeptBytes, Opened, Pieces, open};

/// Bytes that are read from a file at once. Blocks of 16 KiB cost 2 to 4 times the CPU; a download has two in memory.
pub const BLOCK: usize = 64 * 1024;
/// Most bytes that have come and are not noted in the database: so many at most are sent again after a crash.
pub const MOST_UNMARKED: u64 = 8 * 1024 * 1024;
/// Bytes that are gathered to be written to a file at once, by a thread that is woken for them.
pub const WRITTEN_AT_ONCE: usize = 128 * 1024;
