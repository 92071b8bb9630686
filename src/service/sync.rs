//! What a device has missed, without a socket.

use super::{Service, ServiceError};
use crate::domain::{Cursor, Event, ResetReason, Seq, Since, Viewer};
use crate::storage::{OpenedReplay, PageLimit};

/// A page of what a device has missed.
#[derive(Debug)]
pub struct SyncPage {
    /// In the order of `seq`.
    pub events: Vec<Event>,
    /// Why the device has to begin anew; there are no events then.
    pub reset: Option<ResetReason>,
    /// What the device has, as far as it says so and is known here.
    pub since: Option<Seq>,
    /// For the next page.
    pub cursor: Cursor,
    /// Whether there is nothing more right now.
    pub is_last: bool,
}

impl Service {
    /// Returns at most a page of the events for `viewer` after `since`; without a cursor none, only the newest cursor.
    pub async fn sync(
        &self,
        viewer: Viewer,
        since: Option<&Since>,
        limit: PageLimit,
    ) -> Result<SyncPage, ServiceError> {
        let OpenedReplay { cursor, reset, mut replay, .. } = self.storage.open_replay(viewer, since).await?;
        if since.is_none() || reset.is_some() {
            return Ok(SyncPage { events: Vec::new(), reset, since: None, cursor, is_last: true });
        }
        let since = Some(cursor.seq);
        let page = self.storage.next_page(&mut replay, limit, self.clock.now()).await?;
        let cursor = Cursor { seq: page.up_to, ..cursor };
        Ok(SyncPage { events: page.events, reset: None, since, cursor, is_last: page.is_last })
    }
}
