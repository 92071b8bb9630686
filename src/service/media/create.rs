//! Declaring files.

use super::{MediaError, MediaService};
use crate::clock::random_bytes;
use crate::domain::{Limiter, Media, MediaId, MediaQuota, NewUpload, UserId};
use crate::storage::CreatedUpload;

/// A file that a client declares.
#[derive(Clone, Debug, Default)]
pub struct NewFile {
    /// Its size, in bytes.
    pub size: u64,
    /// The SHA-256 that it must have.
    pub sha256: Option<[u8; 32]>,
    /// What the client wants to read until the file is complete.
    pub metadata: Option<String>,
    /// The client's name for the request, so that it may be sent again.
    pub client_key: Option<String>,
}

/// A file that was declared.
#[derive(Clone, Debug)]
pub struct Declared {
    /// Its row.
    pub media: Media,
    /// Whether an earlier request has declared it.
    pub is_repeated: bool,
}

impl MediaService {
    /// Returns the file that an earlier request with this key has declared.
    pub async fn declared_before(
        &self,
        user: UserId,
        client_key: Option<&str>,
        size: u64,
    ) -> Result<Option<Declared>, MediaError> {
        let Some(key) = client_key else { return Ok(None) };
        match self.storage.upload_by_key(user, key, self.clock.now()).await? {
            Some(media) if media.size != size => Err(MediaError::OtherSize),
            found => Ok(found.map(|media| Declared { media, is_repeated: true })),
        }
    }

    /// Declares a file: its size counts against the user's quota from now on.
    pub async fn declare(&self, owner: UserId, new: NewFile) -> Result<Declared, MediaError> {
        let NewFile { size, sha256, metadata, client_key } = new;
        self.limiters.take(Limiter::MediaCount, owner)?;
        let bytes = u32::try_from(size).unwrap_or(u32::MAX);
        self.limiters
            .take_some(Limiter::MediaBytes, owner, bytes)
            .inspect_err(|_| self.limiters.give_back(Limiter::MediaCount, owner))?;
        let now = self.clock.now();
        let free = self.blobs.free_bytes().await?;
        let room = free.map(|free| free.saturating_sub(self.config.min_free_bytes));
        let quota = MediaQuota {
            bytes: self.config.user_bytes,
            files: self.config.user_files,
            pending: self.config.pending_per_user,
            room,
        };
        let id = MediaId(random_bytes().map_err(|error| MediaError::Internal(error.to_string()))?);
        let expires_at = self.expiry(now);
        let new = NewUpload { id, owner, size, sha256, metadata, client_key, expires_at, store: self.blobs.name() };
        match self.storage.create_upload(&new, quota, now).await? {
            CreatedUpload::New(media) => Ok(Declared { media, is_repeated: false }),
            CreatedUpload::Repeated(media) => Ok(Declared { media, is_repeated: true }),
            CreatedUpload::Conflict => Err(MediaError::OtherSize),
            CreatedUpload::OverQuota(kind) => Err(MediaError::Quota(kind)),
            CreatedUpload::NoRoom => Err(MediaError::NoRoom),
            CreatedUpload::NoSuchUser => Err(MediaError::NoSuchUser),
        }
    }
}
