//! Comparing the files in the store with the rows in the database, both ways.

mod listed;

use std::sync::PoisonError;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use listed::Listed;
use serde::Serialize;

use super::{MediaError, MediaService};
use crate::domain::{Media, MediaId, MediaState, Timestamp};
use crate::media::Found;
use crate::telemetry::metrics;

/// Rows that are read at once.
const PAGE: u64 = 500;
/// The age from which a file without a row is an orphan.
const ORPHAN_AGE: Duration = Duration::from_hours(1);

/// What a comparison has found, and done.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Reconciled {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Files that nobody knows.
    pub orphans: Orphans,
    /// Files that the store does not have, or not whole.
    pub lost: Vec<String>,
}

/// The last comparison of this server.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LastReconcile {
    /// When it ended.
    pub at: Timestamp,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Files that nobody knew.
    pub orphans: Orphans,
    /// Files that the store had not, or not whole.
    pub lost: usize,
}

/// Files in the store without a row.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Orphans {
    /// How many there were.
    pub found: u64,
    /// How many were removed.
    pub removed: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl MediaService {
    /// Compares files and rows. Files that nobody knows are removed once they are an hour old; rows whose files are not
    /// there are marked as lost, and no longer so when the files are back. With `dry_run` nothing is changed. A server
    /// may run meanwhile.
    pub async fn reconcile(&self, dry_run: bool) -> Result<Reconciled, MediaError> {
        let mut found = Reconciled { dry_run, ..Reconciled::default() };
        let mut pages = self.blobs.list();
        while let Some(mut files) = pages.try_next().await? {
            files.sort_unstable_by_key(|file| file.id);
            self.find_orphans(&files, &mut found).await?;
        }
        self.find_lost(&mut found).await?;
        if !dry_run {
            metrics().media.lost(found.lost.len() as u64);
        }
        let last = LastReconcile { at: self.clock.now(), dry_run, orphans: found.orphans, lost: found.lost.len() };
        // Plain numbers are whole after any panic.
        *self.last_reconcile.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
        Ok(found)
    }

    /// Finds those of the files, in the order of their ids, that have no row: rows come before files, and go after
    /// them.
    async fn find_orphans(&self, files: &[Found], found: &mut Reconciled) -> Result<(), MediaError> {
        let mut rows: Vec<(MediaId, bool)> = Vec::new();
        let mut read_to = None;
        for file in files.iter().filter(|file| file.age >= ORPHAN_AGE) {
            if read_to.is_none_or(|end| end < file.id) {
                let page = self.storage.all_media(before(file.id), PAGE).await?;
                rows = page.iter().map(|media| (media.id, is_whole(media))).collect();
                let is_last = (rows.len() as u64) < PAGE;
                read_to = if is_last { Some(MediaId([u8::MAX; 16])) } else { rows.last().map(|(id, _)| *id) };
            }
            // Of a whole file no piece is wanted.
            let is_wanted = |whole: bool| !(whole && file.piece.is_some());
            if rows.binary_search_by_key(&file.id, |(id, _)| *id).is_ok_and(|at| is_wanted(rows[at].1)) {
                continue;
            }
            found.orphans.found += 1;
            found.orphans.bytes += file.bytes;
            if !found.dry_run {
                self.blobs.remove_found(file).await?;
                found.orphans.removed += 1;
                let counted = &metrics().media;
                if file.is_finished { &counted.orphans } else { &counted.unfinished_orphans }.increment(1);
            }
        }
        Ok(())
    }

    /// Finds whole files that the store does not have, and those that are back.
    async fn find_lost(&self, found: &mut Reconciled) -> Result<(), MediaError> {
        let (mut after, mut listed) = (None, Listed::of(&*self.blobs));
        loop {
            let page = self.storage.all_media(after, PAGE).await?;
            for media in page.iter().filter(|media| is_whole(media)) {
                let is_there = listed.has(media).await?;
                match (is_there, media.lost_at) {
                    (true, None) => {}
                    (true, Some(_)) if found.dry_run => {}
                    (true, Some(_)) => {
                        if self.storage.recover_media(media.id).await? {
                            tracing::info!(media.id = %media.id, "a lost file is back");
                        }
                    }
                    (false, _) if self.was_removed(media.id).await? => {}
                    (false, Some(_)) => found.lost.push(media.id.to_string()),
                    (false, None) => {
                        found.lost.push(media.id.to_string());
                        if !found.dry_run {
                            tracing::error!(media.id = %media.id, "a file is missing");
                            self.storage.lose_media(media.id, self.clock.now()).await?;
                        }
                    }
                }
            }
            match page.last() {
                Some(last) if page.len() as u64 == PAGE => after = Some(last.id),
                _ => return Ok(()),
            }
        }
    }

    /// Returns whether the file was deleted since its row was read.
    async fn was_removed(&self, id: MediaId) -> Result<bool, MediaError> {
        let rows = self.storage.all_media(before(id), 1).await?;
        Ok(!rows.first().is_some_and(|media| media.id == id && is_whole(media)))
    }
}

/// Whether all bytes must be there.
fn is_whole(media: &Media) -> bool {
    matches!(media.state, MediaState::Complete | MediaState::Attached)
}

/// Returns the id before this one; `None` for the first.
fn before(id: MediaId) -> Option<MediaId> {
    u128::from_be_bytes(id.0).checked_sub(1).map(|number| MediaId(number.to_be_bytes()))
}
