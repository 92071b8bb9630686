//! A look into the journal: what other servers have done, ready for the registry.

use std::time::Instant;

use super::batch::Batch;
use super::foreign::{batch, wanted};
use crate::actors::registry::local_users::LocalUsers;
use crate::clock::Clock;
use crate::domain::{Epoch, Seq};
use crate::storage::{JournalRow, Storage, StorageError};

/// The result of a look.
pub(in crate::actors) struct Found {
    /// The history that it is of.
    pub(super) epoch: Epoch,
    /// The number above which it was looked.
    pub(super) after: Seq,
    /// The number that was given last.
    pub(super) head: Seq,
    /// The first number in the journal above `after`; `None` when there is none.
    pub(super) first: Option<Seq>,
    /// The batches to announce, oldest first.
    pub(super) batches: Vec<(Seq, Seq, Batch)>,
    /// Whether there may be more.
    pub(super) is_full: bool,
}

/// Looks for batches above `told`, and sets the clock by the database's. Those of this run of this server are left out
/// unless their numbers are at most `lost`: the writer hands them over itself, with their answers.
pub(super) async fn look(
    storage: &Storage,
    clock: &Clock,
    local: &LocalUsers,
    told: Seq,
    lost: Seq,
) -> Result<Found, StorageError> {
    let asked = Instant::now();
    let page = storage.journal_after(told).await?;
    clock.correct(asked, page.time);
    let first = page.rows.first().map(|row| row.record.first);
    let found: Vec<JournalRow> = page.rows.into_iter().filter(|row| !row.is_own || row.record.last <= lost).collect();
    let wanted: Vec<Seq> = found.iter().flat_map(|row| wanted(&row.record, |user| local.has(user))).collect();
    let mut messages = storage.recorded_messages(&wanted).await?;
    let batches = found.into_iter().map(|JournalRow { record, at, .. }| {
        let numbers = (record.first, record.last);
        (numbers.0, numbers.1, batch(record, &mut messages, at, 0))
    });
    Ok(Found {
        epoch: page.epoch,
        after: told,
        head: page.head,
        first,
        batches: batches.collect(),
        is_full: page.is_full,
    })
}
