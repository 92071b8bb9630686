//! Files: their rows, from the declaration of an upload to the removal of the bytes.
//!
//! A file has one row in `media`, and one in `media_refs` for each place of a message that names it. The writer makes
//! and removes the latter (see `commands::attachments`); all else are transactions of requests. Whoever changes a state
//! says in the same statement which states it may come from, so that of two changes at once only one is made.

pub(in crate::storage) mod columns;
mod create;
pub(in crate::storage) mod find;
mod leases;
mod reconcile;
mod removal;
mod transfers;

pub use create::CreatedUpload;
pub use leases::Leased;
pub use reconcile::MediaCounts;
pub use removal::MediaDeletion;
pub use transfers::{Kept, Marked};
