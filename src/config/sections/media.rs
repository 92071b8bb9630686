//! `[media]`: files.

mod s3;

use serde::{Deserialize, Serialize};

pub use s3::{MediaS3, S3_PART};

use crate::config::ConfigError;
use crate::config::error::require;

/// Largest size of a file that every client can count: 2^53 bytes.
const MAX_BYTES: u64 = 1 << 53;
/// Longest life of a link, in seconds.
pub const MAX_LINK_S: u32 = 3600;

/// Where the bytes of files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaStore {
    /// In a directory.
    Local,
    /// In a bucket of S3.
    S3,
}

/// `[media]`: files that clients have encrypted.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    /// Whether files are taken at all.
    pub enabled: bool,
    /// Where the bytes of files are.
    pub store: MediaStore,
    /// The directory of files, where they are local; empty for `media` in the data directory.
    pub directory: String,
    /// Most bytes of a file.
    pub max_bytes: u64,
    /// Most bytes of all files of a user.
    pub user_bytes: u64,
    /// Most files of a user.
    pub user_files: u64,
    /// Most files of a user that are not complete.
    pub pending_per_user: u64,
    /// Seconds after which a file is removed that no message names.
    pub unclaimed_s: i64,
    /// Most files that a message names.
    pub per_message: usize,
    /// Bytes of the disk that no upload may take.
    pub min_free_bytes: u64,
    /// Most files that this server receives and sends at once.
    pub transfers: usize,
    /// Most of them of one user.
    pub transfers_per_user: usize,
    /// Whether to wait for the disk before bytes are confirmed.
    pub fsync: bool,
    /// Seconds for which a link to a file holds when nobody says for how long.
    pub link_s: u32,
    /// The bucket, where files are in one.
    pub s3: MediaS3,
}

impl Media {
    /// Returns whether there are files, and they are in a directory.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.enabled && self.store == MediaStore::Local
    }

    pub(in crate::config) fn validate(&self, has_nats: bool) -> Result<(), ConfigError> {
        if self.enabled && self.store == MediaStore::S3 {
            s3::require_feature(cfg!(feature = "s3"))?;
            self.s3.validate(self.max_bytes)?;
        }
        // What is uploaded at one server is read at all: without a word of the operator it would be missing there.
        require(
            !self.is_local() || !has_nats || !self.directory.is_empty(),
            "media.directory",
            "must name a directory that all servers share, since cluster.nats_url joins them; without one, set \
             media.store to \"s3\" or media.enabled to false",
        )?;
        let at_least_one = |holds: bool, key: &str| require(holds, format!("media.{key}"), "must be at least 1");
        require((1..=MAX_BYTES).contains(&self.max_bytes), "media.max_bytes", "must be 1 to 9007199254740992")?;
        at_least_one(self.unclaimed_s >= 1, "unclaimed_s")?;
        at_least_one(self.pending_per_user >= 1, "pending_per_user")?;
        require((1..=100).contains(&self.per_message), "media.per_message", "must be 1 to 100")?;
        require(self.user_bytes >= self.max_bytes, "media.user_bytes", "must be at least media.max_bytes")?;
        at_least_one(self.transfers >= 1, "transfers")?;
        at_least_one(self.transfers_per_user >= 1, "transfers_per_user")?;
        require((1..=MAX_LINK_S).contains(&self.link_s), "media.link_s", "must be 1 to 3600")
    }
}
