//! What the store keeps and forgets: deleted, expired and ended things are gone from it.

mod batches;
mod ended;
mod figures;
mod kept_ciphertexts;
mod media;
mod plateau;
mod tombstones;
mod vanish;
mod wipe;
