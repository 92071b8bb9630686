//! Reading and writing the headers of uploads.

use std::time::{Duration, SystemTime};

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::body::Body as _;

use crate::domain::{ClientId, Timestamp};
use crate::http::error::{ApiError, MediaRefusal};
use crate::http::extract::{Request, idempotency_key};
use crate::media::{Checksum, ChecksumKind};
use crate::protocol::tus::{self, PART_TYPE, TUS_VERSION};

pub(super) const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(super) const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
pub(super) const UPLOAD_DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
pub(super) const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
pub(super) const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// Returns the text of a header that may be there once.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(MediaRefusal::BadHeader("a header is there twice").into());
    }
    let text = first.map(|value| value.to_str().map(str::trim));
    text.transpose().map_err(|_| MediaRefusal::BadHeader("a header is not plain text").into())
}

/// Refuses another version of tus than ours, and none.
pub(super) fn check_version(headers: &HeaderMap) -> Result<(), ApiError> {
    if headers.get(TUS_RESUMABLE).is_some_and(|version| version.as_bytes() == TUS_VERSION.as_bytes()) {
        Ok(())
    } else {
        Err(MediaRefusal::OtherVersion.into())
    }
}

/// Returns the type of the body, without parameters.
pub(super) fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether the body is a part of an upload.
pub(super) fn is_part(headers: &HeaderMap) -> bool {
    content_type(headers) == PART_TYPE
}

/// Returns the length of the body, if the head says it; 0 when there is none.
pub(super) fn body_length(request: &Request) -> Option<u64> {
    let said = request.headers().get(CONTENT_LENGTH).and_then(|value| tus::number(value.to_str().ok()?.trim()));
    if request.body().is_end_stream() { Some(0) } else { said }
}

/// Returns a header that holds a size or an offset.
pub(super) fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, ApiError> {
    let wrong = || MediaRefusal::BadHeader("a size or an offset must be a whole number").into();
    text(headers, name)?.map(|text| tus::number(text).ok_or_else(wrong)).transpose()
}

/// Returns the checksum that the body must have.
pub(super) fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, ApiError> {
    let Some(text) = text(headers, &UPLOAD_CHECKSUM)? else { return Ok(None) };
    let malformed = |_| MediaRefusal::BadHeader("Upload-Checksum must be an algorithm and a checksum in base64");
    let (algorithm, expected) = tus::checksum(text).map_err(malformed)?;
    let unknown = || MediaRefusal::BadHeader("Upload-Checksum must use sha256 or sha1");
    let kind = ChecksumKind::named(algorithm).ok_or_else(unknown)?;
    Ok(Some(Checksum { kind, expected }))
}

/// Returns the digest of the whole file that the head declares.
pub(super) fn repr_digest(headers: &HeaderMap) -> Result<Option<[u8; 32]>, ApiError> {
    let Some(text) = text(headers, &REPR_DIGEST)? else { return Ok(None) };
    tus::repr_digest(text).map_err(|_| MediaRefusal::BadHeader("Repr-Digest must be as in RFC 9530").into())
}

/// What a client keeps beside its upload, and the digest in it.
pub(super) struct Metadata {
    pub(super) text: String,
    pub(super) sha256: Option<[u8; 32]>,
}

/// Returns what the client keeps beside the upload. An empty header is none.
pub(super) fn metadata(headers: &HeaderMap) -> Result<Option<Metadata>, ApiError> {
    let Some(text) = text(headers, &UPLOAD_METADATA)?.filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.len() > tus::MAX_METADATA_BYTES {
        return Err(ApiError::TooLarge { limit: tus::MAX_METADATA_BYTES });
    }
    let malformed = |_| MediaRefusal::BadHeader("Upload-Metadata must be keys with values in base64");
    Ok(Some(Metadata { text: text.to_owned(), sha256: tus::sha256_in_metadata(text).map_err(malformed)? }))
}

/// Returns the client's name for the request.
pub(super) fn client_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(key) = idempotency_key(headers)? else { return Ok(None) };
    let wrong = || ApiError::Invalid("Idempotency-Key must match [A-Za-z0-9._:-]{1,64}".to_owned());
    ClientId::parse(&key).map(|_| Some(key)).ok_or_else(wrong)
}

/// Returns a time as HTTP writes it (RFC 9110 §5.6.7).
pub(super) fn http_date(time: Timestamp) -> Option<HeaderValue> {
    let since = Duration::from_secs(u64::try_from(time.as_secs()).ok()?);
    HeaderValue::try_from(httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since)).ok()
}
