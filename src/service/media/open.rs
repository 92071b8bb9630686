//! Opening an upload to go on with it: whoever wrote to it before ends, and file and row agree again.

use std::sync::Arc;
use std::time::Duration;

use super::leases::{Lease, held};
use super::writers::UploadGuard;
use super::{MediaError, MediaService};
use crate::domain::{Media, MediaId, MediaState, UserId};
use crate::media::{BlobWriter, KeptBytes, Opened};
use crate::storage::Kept;

/// The silence of a writer after which a question for the offset ends it.
const SILENCE: Duration = Duration::from_secs(2);

/// An upload as a request finds it.
pub enum Upload {
    /// It can go on.
    Open(Box<OpenUpload>),
    /// It is complete.
    Complete(Media),
}

/// An upload that nobody else writes to.
pub struct OpenUpload {
    pub(super) service: Arc<MediaService>,
    pub(super) media: Media,
    pub(super) writer: Box<dyn BlobWriter>,
    pub(super) guard: UploadGuard,
    pub(super) lease: Option<Lease>,
}

impl OpenUpload {
    /// Returns how many bytes count.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.writer.length()
    }

    /// Returns how many bytes the file will have.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.media.size
    }

    /// Finishes a file all of whose bytes have come. When they are not what was declared, none is kept.
    pub(super) async fn finish(mut self) -> Result<Media, MediaError> {
        let finishing = self.writer.finish();
        match held(self.lease.as_ref(), finishing).await {
            Ok(true) => {
                let Self { service, mut media, guard: _guard, lease, .. } = self;
                service.complete(&mut media, lease).await?;
                Ok(media)
            }
            Ok(false) => {
                let nothing = KeptBytes { offset: 0, upload: Some(String::new()) };
                self.note(nothing, Kept::Durably).await?;
                Err(MediaError::WrongDigest)
            }
            // It was deleted meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(MediaError::NotFound),
            Err(error) => {
                self.note_so_far().await?;
                Err(error.into())
            }
        }
    }
}

impl MediaService {
    /// Opens the user's upload. Whoever is writing to it is stopped; [`MediaError::Busy`] when that takes too long.
    pub async fn open_upload(self: &Arc<Self>, user: UserId, id: MediaId) -> Result<Upload, MediaError> {
        let media = self.owned(user, id).await?;
        if is_complete(&media) {
            return Ok(Upload::Complete(media));
        }
        let guard = self.writers.take_over(id).await.ok_or(MediaError::Busy)?;
        self.open_guarded(user, id, guard).await
    }

    /// Opens an upload that nobody else of this server writes to.
    async fn open_guarded(
        self: &Arc<Self>,
        user: UserId,
        id: MediaId,
        guard: UploadGuard,
    ) -> Result<Upload, MediaError> {
        let lease = if self.is_shared { Some(self.lease(id).await?) } else { None };
        let mut media = self.owned(user, id).await?;
        if is_complete(&media) {
            return Ok(Upload::Complete(media));
        }
        let writer = match self.blobs.resume(&media).await? {
            Opened::Writer(writer) => writer,
            Opened::Finished => {
                self.complete(&mut media, lease).await?;
                return Ok(Upload::Complete(media));
            }
        };
        if writer.length() < media.offset {
            tracing::warn!(
                media.id = %id, offset = media.offset, bytes = writer.length(),
                "bytes of an upload are lost, and must be sent again"
            );
            self.storage.lower_offset(id, writer.length()).await?;
            media.offset = writer.length();
        }
        let is_whole = writer.length() == media.size;
        let open = OpenUpload { service: self.clone(), media, writer, guard, lease };
        if is_whole { Ok(Upload::Complete(open.finish().await?)) } else { Ok(Upload::Open(Box::new(open))) }
    }

    /// Returns the user's file with the offset at which its upload goes on. A writer that has had no byte for a while
    /// is stopped: it may wait for a connection that is dead. One that is lively is not disturbed.
    pub async fn offset(self: &Arc<Self>, user: UserId, id: MediaId) -> Result<Media, MediaError> {
        let media = self.owned(user, id).await?;
        if is_complete(&media) {
            return Ok(media);
        }
        let upload = match self.writers.silence(id) {
            Some(silence) if silence >= SILENCE => self.open_upload(user, id).await?,
            Some(_) => return Ok(media),
            // What another server's writer has had lately is not known here.
            None if self.is_shared || media.state == MediaState::Created => return Ok(media),
            None => match self.writers.take_if_free(id) {
                Some(guard) => self.open_guarded(user, id, guard).await?,
                None => return Ok(media),
            },
        };
        match upload {
            Upload::Complete(media) => Ok(media),
            Upload::Open(open) => Ok(Media { offset: open.offset(), ..open.media }),
        }
    }

    /// Says that the file is complete, after its bytes are in their place.
    pub(super) async fn complete(&self, media: &mut Media, lease: Option<Lease>) -> Result<(), MediaError> {
        let now = self.clock.now();
        let expires_at = self.expiry(now);
        let writer = lease.map(Lease::given_back);
        if !self.storage.complete_upload(media.id, writer, expires_at, now).await? {
            return Err(MediaError::NotFound);
        }
        (media.state, media.offset, media.expires_at) = (MediaState::Complete, media.size, Some(expires_at));
        media.metadata = None;
        Ok(())
    }
}

fn is_complete(media: &Media) -> bool {
    matches!(media.state, MediaState::Complete | MediaState::Attached)
}
