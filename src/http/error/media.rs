//! Refusals about files, with the statuses and headers of the tus protocol.

use http::header::{CONTENT_RANGE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::ApiError;
use crate::protocol::ErrorCode;
use crate::protocol::tus::TUS_VERSION;
use crate::service::media::MediaError;

/// The status of tus for a wrong checksum, which HTTP does not know.
const CHECKSUM_MISMATCH: u16 = 460;
/// Seconds after which there may be room again on the disk.
const ROOM_AFTER_S: u64 = 60;
/// Seconds after which another request may have ended.
const BUSY_AFTER_S: u64 = 1;

pub(in crate::http) const TUS_VERSIONS: HeaderName = HeaderName::from_static("tus-version");
pub(in crate::http) const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
pub(in crate::http) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// The reason why a request about a file was refused.
#[derive(Debug, thiserror::Error)]
pub(in crate::http) enum MediaRefusal {
    /// A header is missing or wrong.
    #[error("{0}")]
    BadHeader(&'static str),
    #[error("Tus-Resumable must be {TUS_VERSION}")]
    OtherVersion,
    #[error("Content-Type must be {0}")]
    OtherType(&'static str),
    /// Another offset than the one at which the upload goes on.
    #[error("the upload continues at byte {0}")]
    OtherOffset(u64),
    /// A newer request writes to the upload.
    #[error("a newer request has taken over; this one ended at byte {0}")]
    TakenOver(u64),
    /// More bytes than the file has, or may have.
    #[error("the file has, or may have, at most {most} bytes")]
    TooLarge { most: u64, max_size: u64 },
    #[error("the body came too slowly; {0} bytes of the file are kept")]
    Stalled(u64),
    #[error("the range is outside of the file, which has {0} bytes")]
    OutOfRange(u64),
    #[error("{0}")]
    WrongChecksum(String),
    #[error("{0}")]
    WrongDigest(String),
    #[error("{0}")]
    Complete(String),
    #[error("{0}")]
    Quota(String),
    #[error("{0}")]
    Busy(String),
    #[error("{0}")]
    NoRoom(String),
}

impl MediaRefusal {
    pub(super) fn status_and_code(&self) -> (StatusCode, ErrorCode) {
        match self {
            Self::BadHeader(_) => (StatusCode::BAD_REQUEST, ErrorCode::BadFrame),
            Self::OtherVersion => (StatusCode::PRECONDITION_FAILED, ErrorCode::BadFrame),
            Self::OtherType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::BadFrame),
            Self::OtherOffset(_) | Self::TakenOver(_) | Self::Complete(_) => {
                (StatusCode::CONFLICT, ErrorCode::Conflict)
            }
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge),
            Self::Stalled(_) => (StatusCode::REQUEST_TIMEOUT, ErrorCode::Unavailable),
            Self::OutOfRange(_) => (StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::BadFrame),
            Self::WrongChecksum(_) => {
                (StatusCode::from_u16(CHECKSUM_MISMATCH).unwrap_or(StatusCode::CONFLICT), ErrorCode::BadFrame)
            }
            Self::WrongDigest(_) => (StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::BadFrame),
            Self::Quota(_) => (StatusCode::FORBIDDEN, ErrorCode::Quota),
            Self::Busy(_) => (StatusCode::LOCKED, ErrorCode::Unavailable),
            Self::NoRoom(_) => (StatusCode::INSUFFICIENT_STORAGE, ErrorCode::Unavailable),
        }
    }

    /// Returns the title of a status that HTTP has no words for.
    pub(super) fn title(&self) -> Option<&'static str> {
        matches!(self, Self::WrongChecksum(_)).then_some("Checksum Mismatch")
    }

    pub(super) fn add_headers(&self, headers: &mut HeaderMap) {
        match self {
            Self::OtherVersion => {
                headers.insert(TUS_VERSIONS, HeaderValue::from_static(TUS_VERSION));
            }
            Self::OtherOffset(offset) | Self::TakenOver(offset) | Self::Stalled(offset) => {
                headers.insert(UPLOAD_OFFSET, HeaderValue::from(*offset));
            }
            Self::TooLarge { max_size, .. } => {
                headers.insert(TUS_MAX_SIZE, HeaderValue::from(*max_size));
            }
            Self::OutOfRange(size) => {
                // Made of digits.
                if let Ok(range) = HeaderValue::try_from(format!("bytes */{size}")) {
                    headers.insert(CONTENT_RANGE, range);
                }
            }
            Self::Busy(_) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(BUSY_AFTER_S));
            }
            Self::NoRoom(_) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(ROOM_AFTER_S));
            }
            _ => {}
        }
    }
}

impl From<MediaRefusal> for ApiError {
    fn from(refusal: MediaRefusal) -> Self {
        Self::Media(refusal)
    }
}

impl From<MediaError> for ApiError {
    fn from(error: MediaError) -> Self {
        let text = error.to_string();
        match error {
            MediaError::NotFound => Self::NotFound("there is no such file"),
            MediaError::Attached => Self::Forbidden("a message names this file: delete the message"),
            MediaError::OtherSize => Self::Conflict("the idempotency key names an upload of another size"),
            MediaError::OtherOffset(offset) => MediaRefusal::OtherOffset(offset).into(),
            MediaError::Complete => MediaRefusal::Complete(text).into(),
            MediaError::Busy => MediaRefusal::Busy(text).into(),
            MediaError::TooLarge(most) => MediaRefusal::TooLarge { most, max_size: most }.into(),
            MediaError::WrongChecksum => MediaRefusal::WrongChecksum(text).into(),
            MediaError::WrongDigest => MediaRefusal::WrongDigest(text).into(),
            MediaError::Quota(_) => MediaRefusal::Quota(text).into(),
            MediaError::NoRoom => MediaRefusal::NoRoom(text).into(),
            // The log says why.
            MediaError::Crowded | MediaError::Away(_) => Self::Unavailable,
            MediaError::Limited(limited) => limited.into(),
            MediaError::NoSuchUser => Self::Unauthorized("the account is gone"),
            MediaError::Storage(error) => error.into(),
            MediaError::Disk(cause) => Self::Internal(format!("the disk of files: {cause}")),
            MediaError::Internal(cause) => Self::Internal(cause),
        }
    }
}
