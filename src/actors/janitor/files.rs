//! The end of files: the row says that a file is gone, then its bytes go, then the row.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::chores::STEPS;
use crate::domain::Media;
use crate::storage::{Storage, StorageError};

/// Removes the bytes of a file for good; they may be gone already.
pub type RemoveFile = Arc<dyn Fn(Media) -> BoxFuture<'static, std::io::Result<()>> + Send + Sync>;

/// Files that are removed before their rows are.
const PAGE: u64 = 200;

/// Removes the bytes of files that are gone, and then their rows. What fails is tried again at the next tick.
pub(super) async fn remove(storage: &Storage, remove_file: &RemoveFile) -> Result<(), StorageError> {
    let mut after = None;
    for _ in 0..STEPS {
        let page = storage.deleting_media(after, PAGE).await?;
        let Some(last) = page.last().map(|media| media.id) else { break };
        after = Some(last);
        let is_last = (page.len() as u64) < PAGE;
        let mut removed = Vec::new();
        for media in page {
            let id = media.id;
            match remove_file(media).await {
                Ok(()) => removed.push(id),
                Err(error) => tracing::warn!(media.id = %id, error = %error, "the bytes of a file were not removed"),
            }
        }
        storage.forget_media(&removed).await?;
        if is_last {
            break;
        }
    }
    Ok(())
}
