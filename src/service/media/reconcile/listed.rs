//! Whole files in the order of their ids, read beside the rows: one request to a bucket tells of a thousand files.

use std::collections::VecDeque;
use std::io;

use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;

use crate::domain::Media;
use crate::media::{BlobStore, Found};

/// The files that the store lists. What it does not list, or not in order, it is asked for.
pub(super) struct Listed<'a> {
    blobs: &'a dyn BlobStore,
    pages: Option<BoxStream<'a, io::Result<Vec<Found>>>>,
    ahead: VecDeque<Found>,
}

impl<'a> Listed<'a> {
    pub(super) fn of(blobs: &'a dyn BlobStore) -> Self {
        Self { blobs, pages: blobs.lists_in_order().then(|| blobs.list()), ahead: VecDeque::new() }
    }

    /// Returns whether the store has this file whole, which has a greater id than that of the last question.
    pub(super) async fn has(&mut self, media: &Media) -> io::Result<bool> {
        while let Some(pages) = &mut self.pages {
            match self.ahead.front() {
                Some(file) if file.is_finished && file.id >= media.id => break,
                Some(_) => drop(self.ahead.pop_front()),
                None => match pages.try_next().await? {
                    Some(page) => self.ahead.extend(page),
                    None => self.pages = None,
                },
            }
        }
        let is_listed = self.ahead.front().is_some_and(|file| file.id == media.id && file.bytes == media.size);
        // It may be newer than its page.
        if is_listed { Ok(true) } else { self.blobs.has(media.id, media.size).await }
    }
}
