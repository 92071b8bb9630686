//! A look into the journal: what other servers have done, ready for the registry.

use std::time::Instant;

use super::batch::Batch;
use super::foreign::{batch, copies, wanted};
use crate::actors::registry::local_users::LocalUsers;
use crate::clock::Clock;
use crate::domain::{Epoch, Seq};
use crate::storage::{JournalRow, Storage, StorageError};

/// Messages that are read at once, and those of one batch more.
const AT_ONCE: usize = 256;
/// Most bytes of messages in the result of a look, besides those that were read together with the last of them.
const MOST_BYTES: usize = 8 * 1024 * 1024;

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

impl Found {
    /// Returns whether the journal has the batch behind the number above which it was looked.
    pub(super) fn reaches_back(&self) -> bool {
        self.first.is_some_and(|first| first.0 <= self.after.0 + 1)
    }
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
    let found = page.rows.into_iter().filter(|row| !row.is_own || row.record.last <= lost);
    let (mut batches, mut is_full, mut bytes) = (Vec::new(), page.is_full, 0);
    for (rows, wanted) in parts(found.map(|row| (wanted(&row.record, |user| local.has(user)), row))) {
        if bytes >= MOST_BYTES {
            is_full = true;
            break;
        }
        let mut messages = storage.recorded_messages(&wanted).await?;
        bytes += messages.values().map(|(_, message)| copies(message)).sum::<usize>();
        for JournalRow { record, at, .. } in rows {
            let numbers = (record.first, record.last);
            batches.push((numbers.0, numbers.1, batch(record, &mut messages, at, 0)));
        }
    }
    Ok(Found { epoch: page.epoch, after: told, head: page.head, first, batches, is_full })
}

/// Puts rows together, each of which needs some messages, until there are enough to read at once.
fn parts<R>(rows: impl Iterator<Item = (Vec<Seq>, R)>) -> Vec<(Vec<R>, Vec<Seq>)> {
    let mut parts: Vec<(Vec<R>, Vec<Seq>)> = Vec::new();
    for (wanted, row) in rows {
        if let Some((rows, all)) = parts.last_mut().filter(|(_, all)| all.len() < AT_ONCE) {
            rows.push(row);
            all.extend(wanted);
        } else {
            parts.push((vec![row], wanted));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_messages_are_read_in_parts_and_each_row_is_in_one() {
        let needs = [100, 0, 155, 1, 0, 300, 0, 3];
        let rows = needs.iter().enumerate().map(|(row, count)| (vec![Seq(1); *count], row));
        let parts = parts(rows);
        let found: Vec<(&[usize], usize)> = parts.iter().map(|(rows, all)| (&rows[..], all.len())).collect();
        assert_eq!(found, [(&[0, 1, 2, 3][..], 256), (&[4, 5], 300), (&[6, 7], 3)]);
    }
}
