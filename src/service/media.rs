//! Files: uploading, reading and removing what clients have encrypted.
//!
//! The database knows which files there are, whose they are and how many of their bytes count; [`Blobs`] have the
//! bytes.
//! A row comes before its bytes and goes after them.

mod buffer;
mod create;
mod download;
mod error;
mod leases;
mod open;
mod receive;
mod reconcile;
mod status;
mod to_its_end;
mod transfers;
mod upkeep;
mod writers;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::task::TaskTracker;

pub use create::{Declared, NewFile};
pub use download::Download;
pub use error::MediaError;
pub use open::{OpenUpload, Upload};
pub use receive::{BodyEnd, Received};
pub use reconcile::{LastReconcile, Orphans, Reconciled};
pub use status::MediaStatus;
pub use transfers::Transfer;

use crate::auth::InstanceKey;
use crate::auth::SecretError;
use crate::clock::Clock;
use crate::config::{self, Config, MediaStore};
use crate::domain::{Limiter, Media, MediaId, Timestamp, UserId};
use crate::limits::Limiters;
use crate::media::{self, Blobs, Governor};
use crate::protocol::media_link::{MediaLink, MediaLinks};
use crate::storage::{MediaDeletion, Storage};
use crate::telemetry::Direction;
use transfers::Transfers;
use writers::Writers;

/// Longest wait of a stopping server for the last bytes of running uploads.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// The use cases of files, with everything they act on.
pub struct MediaService {
    storage: Arc<Storage>,
    blobs: Blobs,
    config: config::Media,
    limiters: Arc<Limiters>,
    links: MediaLinks,
    writers: Arc<Writers>,
    /// Lets transfers give way to messages.
    governor: Arc<Governor>,
    transfers: Arc<Transfers>,
    /// Uploads that are being received: each writes down what has come before it ends.
    receiving: TaskTracker,
    /// Whether other servers may write to the same files.
    is_shared: bool,
    /// What the last comparison of files and rows has found.
    last_reconcile: Mutex<Option<LastReconcile>>,
    clock: Clock,
}

impl MediaService {
    /// Opens the store of files; `None` where files are switched off.
    pub async fn open(
        config: &Config,
        storage: Arc<Storage>,
        limiters: Arc<Limiters>,
        key: &InstanceKey,
        clock: Clock,
    ) -> Result<Option<Arc<Self>>, MediaSetupError> {
        if !config.media.enabled {
            return Ok(None);
        }
        let (root, media) = (config.media_dir(), &config.media);
        let governor = Arc::new(Governor::new(Arc::default()));
        let blobs = media::open(media, root.clone(), governor.clone()).await.map_err(|source| match media.store {
            MediaStore::Local => MediaSetupError::Directory { path: root, source },
            MediaStore::S3 => MediaSetupError::Bucket(source),
        })?;
        Ok(Some(Arc::new(Self {
            is_shared: storage.has_journal(),
            links: MediaLinks::new(&*key.derive("media link")?),
            transfers: Transfers::new(media.transfers, media.transfers_per_user),
            writers: Arc::default(),
            governor,
            receiving: TaskTracker::new(),
            last_reconcile: Mutex::default(),
            config: media.clone(),
            storage,
            blobs,
            limiters,
            clock,
        })))
    }

    /// Returns the greatest size of a file, in bytes.
    #[must_use]
    pub fn max_bytes(&self) -> u64 {
        self.config.max_bytes
    }

    /// Returns the user's own file, in whatever state; [`MediaError::NotFound`] for all others.
    pub async fn owned(&self, user: UserId, id: MediaId) -> Result<Media, MediaError> {
        self.storage.media_of(user, id, self.clock.now()).await?.ok_or(MediaError::NotFound)
    }

    /// Deletes a file that no message names.
    pub async fn delete(&self, user: UserId, id: MediaId) -> Result<(), MediaError> {
        match self.storage.delete_media(user, id, self.clock.now()).await? {
            MediaDeletion::Done => {
                // Nothing more is written to it.
                self.writers.stop(id);
                Ok(())
            }
            MediaDeletion::Attached => Err(MediaError::Attached),
            MediaDeletion::NotFound => Err(MediaError::NotFound),
        }
    }

    /// Takes a place among the transfers that run at once.
    pub fn transfer(&self, user: UserId, direction: Direction) -> Result<Transfer, MediaError> {
        self.transfers.begin(user, direction)
    }

    /// Returns a link by which whoever has it may read the file, as long as the user may, and the seconds until it
    /// ends: those that are asked for, or the usual ones.
    pub async fn link(&self, user: UserId, id: MediaId, seconds: Option<u32>) -> Result<(String, u32), MediaError> {
        let now = self.clock.now();
        self.storage.readable_media(user, id, now).await?.ok_or(MediaError::NotFound)?;
        self.limiters.take(Limiter::MediaLink, user)?;
        let seconds = seconds.unwrap_or(self.config.link_s);
        let end = u32::try_from(now.as_secs()).unwrap_or(u32::MAX).saturating_add(seconds);
        Ok((self.links.token(MediaLink { id, user, end }), seconds))
    }

    /// Returns the file that a link leads to, which ends with the last login of the user who has made it.
    pub async fn linked(&self, id: MediaId, token: &str) -> Result<(UserId, Media), MediaError> {
        let now = self.clock.now();
        let link = self.links.verify(id, token).ok_or(MediaError::NotFound)?;
        if i64::from(link.end) <= now.as_secs() || self.storage.open_logins(link.user, None, 1, now).await?.is_empty() {
            return Err(MediaError::NotFound);
        }
        Ok((link.user, self.readable(link.user, id).await?))
    }

    /// Returns a whole file that this user may read: their own, or one of a message that they are shown.
    pub async fn readable(&self, user: UserId, id: MediaId) -> Result<Media, MediaError> {
        self.storage.readable_media(user, id, self.clock.now()).await?.ok_or(MediaError::NotFound)
    }

    /// Returns what actors do with files: the janitor removes their bytes, and messages are noted.
    #[must_use]
    pub fn for_actors(&self) -> crate::actors::Files {
        let blobs = self.blobs.clone();
        let remove: crate::actors::RemoveFile = Arc::new(move |media: Media| {
            let blobs = blobs.clone();
            Box::pin(async move { blobs.remove(&media).await })
        });
        crate::actors::Files { remove, flow: self.governor.flow().clone() }
    }

    /// Waits until uploads that were cut off have written down what has come.
    pub async fn drain(&self) {
        self.writers.stop_all();
        self.receiving.close();
        if tokio::time::timeout(DRAIN_TIMEOUT, self.receiving.wait()).await.is_err() {
            tracing::warn!("some uploads did not end in time; what came since their last mark is sent again");
        }
    }

    /// Returns the time at which a file expires that nothing more happens to.
    fn expiry(&self, now: Timestamp) -> Timestamp {
        now.plus_secs(self.config.unclaimed_s)
    }
}

/// The store of files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MediaSetupError {
    /// The directory cannot be made.
    #[error("cannot use the directory of files {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: std::path::PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The client of the bucket cannot be made.
    #[error("cannot use the bucket of files: {0}")]
    Bucket(std::io::Error),
    /// The key of links cannot be derived.
    #[error(transparent)]
    Key(#[from] SecretError),
}
