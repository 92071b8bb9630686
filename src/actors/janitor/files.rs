//! The end of files: the row says that a file is gone, then its bytes go, then the row.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::chores::STEPS;
use crate::domain::Media;
use crate::media::MessageFlow;
use crate::storage::{Storage, StorageError};

/// Removes the bytes of a file for good; they may be gone already.
pub type RemoveFile = Arc<dyn Fn(Media) -> BoxFuture<'static, std::io::Result<()>> + Send + Sync>;

/// What actors do with files, where there are any.
pub struct Files {
    /// Removes a file whose row says that it is gone.
    pub remove: RemoveFile,
    /// Hears of messages, to which transfers give way.
    pub flow: Arc<MessageFlow>,
}

/// How long the other chores wait for the removal of files.
const WAIT: Duration = Duration::from_secs(1);
/// Files that are removed before their rows are.
const PAGE: u64 = 200;

/// The removal of files that is being done. It ends with the janitor.
#[derive(Default)]
pub(super) struct Removal(Option<AbortOnDropHandle<Result<(), StorageError>>>);

impl Removal {
    /// Removes the files that are gone, and waits for that, but not for long: while messages flow it takes its time,
    /// and goes on beside the other chores.
    pub(super) async fn remove_files(
        &mut self,
        storage: &Arc<Storage>,
        remove_file: &RemoveFile,
    ) -> Result<(), StorageError> {
        let removing = self.0.get_or_insert_with(|| {
            let (storage, remove_file) = (storage.clone(), remove_file.clone());
            AbortOnDropHandle::new(tokio::spawn(async move { remove(&storage, &remove_file).await }))
        });
        let Ok(done) = timeout(WAIT, removing).await else { return Ok(()) };
        self.0 = None;
        // A panic is reported where it happens, and the next tick begins anew.
        done.unwrap_or(Ok(()))
    }
}

/// Removes the bytes of files that are gone, and then their rows. What fails is tried again at the next tick.
async fn remove(storage: &Storage, remove_file: &RemoveFile) -> Result<(), StorageError> {
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
