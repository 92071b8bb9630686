//! Why a request about a file was refused or has failed.

use std::io::ErrorKind;

use crate::domain::{Limited, MediaQuotaKind};
use crate::storage::StorageError;

/// The reason. Nothing was changed, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The file does not exist, is another's, or has expired: these look the same.
    #[error("there is no such file")]
    NotFound,
    /// A message names the file.
    #[error("a message names this file: delete the message")]
    Attached,
    /// The file is complete.
    #[error("the file is complete")]
    Complete,
    /// The key of the request names an upload of another size.
    #[error("the idempotency key names an upload of another size")]
    OtherSize,
    /// The upload has another offset.
    #[error("the upload continues at another offset")]
    OtherOffset(u64),
    /// Another request writes to the file, and did not stop in time.
    #[error("another request is writing to this file")]
    Busy,
    /// More bytes came than were declared, or may be.
    #[error("the file is larger than {0} bytes")]
    TooLarge(u64),
    /// The part has another checksum; nothing of it was kept.
    #[error("the checksum does not match; nothing of this part was kept")]
    WrongChecksum,
    /// The whole file has another digest than was declared; nothing of it was kept.
    #[error("the digest of the file is not the one that was declared; nothing of it was kept")]
    WrongDigest,
    /// The user has as many files, bytes or unfinished uploads as may be.
    #[error("you have as many {} as you may", kind_text(*.0))]
    Quota(MediaQuotaKind),
    /// The disk is full. Of an upload, what was written is kept.
    #[error("the server has no room for more files just now")]
    NoRoom,
    /// Too many transfers are running at this server.
    #[error("too many files are being sent or received just now")]
    Crowded,
    /// A limit on rates.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// The account is gone.
    #[error("the account is gone")]
    NoSuchUser,
    /// The database.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The bucket does not answer as it should. Of an upload, what was kept before is.
    #[error("{0}")]
    Away(std::io::Error),
    /// The disk.
    #[error("the disk: {0}")]
    Disk(std::io::Error),
    /// A fault of the server, such as a panic.
    #[error("internal: {0}")]
    Internal(String),
}

impl From<std::io::Error> for MediaError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::NoRoom,
            ErrorKind::NotConnected => Self::Away(error),
            _ => Self::Disk(error),
        }
    }
}

fn kind_text(kind: MediaQuotaKind) -> &'static str {
    match kind {
        MediaQuotaKind::Bytes => "bytes",
        MediaQuotaKind::Files => "files",
        MediaQuotaKind::Pending => "unfinished uploads",
    }
}
