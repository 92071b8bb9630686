//! Declaring a file, perhaps with its first bytes or all of them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::append::answered;
use super::body::pieces;
use super::headers::{
    TUS_RESUMABLE, UPLOAD_DEFER_LENGTH, UPLOAD_EXPIRES, UPLOAD_LENGTH, body_length, check_version, checksum,
    client_key, content_type, http_date, is_part, metadata, number, repr_digest,
};
use super::{counted, service};
use crate::auth::Access;
use crate::domain::{Media, Timestamp};
use crate::http::app::App;
use crate::http::error::{ApiError, MediaRefusal, Problem, UPLOAD_OFFSET};
use crate::http::extract::{LimitedBody, Request, json_body};
use crate::http::respond::{Response, full, json};
use crate::media::Checksum;
use crate::protocol::tus::sha256_hex;
use crate::service::media::{Declared, MediaError, MediaService, NewFile, Upload};
use crate::telemetry::{Direction, MediaOp};

/// Most bytes of a declaration in JSON, and the time for them.
const DECLARATION_BYTES: usize = 4096;
const DECLARATION_TIME: Duration = Duration::from_secs(10);
/// The type of a file that is sent whole.
const FILE_TYPE: &str = "application/octet-stream";

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Declaration {
    /// Bytes of the file.
    #[schema(minimum = 1)]
    size: u64,
    /// The SHA-256 that the file must have, in lower-case hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(in crate::http) struct DeclaredFile {
    /// Names the file in messages.
    #[schema(pattern = "^[A-Za-z0-9_-]{22}$")]
    id: String,
    /// Where its bytes go, by PUT or PATCH, and where it is read.
    #[schema(example = "/media/AAAAAAAAAAAAAAAAAAAAAA")]
    upload_url: String,
    /// As it was declared.
    size: u64,
    /// How many bytes have come.
    offset: u64,
    /// When the file is removed if no message names it.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// What a request wants.
struct Wanted {
    new: NewFile,
    /// What is in the body, of the file.
    bytes: Option<FileBytes>,
    /// Whether the response is as tus wants it.
    is_tus: bool,
}

/// The bytes of a file in the body of its declaration.
struct FileBytes {
    body: LimitedBody,
    length: Option<u64>,
    checksum: Option<Checksum>,
}

/// Declare a file: with its bytes, with some of them, or without.
///
/// As tus 1.0.0 does: with `Upload-Length`, and perhaps a body of the type `application/offset+octet-stream`. Or with
/// `{"size","sha256"?}` as JSON. Or the whole file as `application/octet-stream`.
#[utoipa::path(post, path = "/media", operation_id = "declare_file", tag = "media",
    request_body(content(
        (Declaration = "application/json"),
        (Vec<u8> = "application/octet-stream"),
        (Vec<u8> = "application/offset+octet-stream"),
    )),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "The same within 24 hours is the same file"),
        ("Repr-Digest" = Option<String>, Header, description = "Of a whole file: its SHA-256 (RFC 9530)"),
    ),
    responses(
    (status = 201, description = "Declared; `Location` is where its bytes go", body = DeclaredFile),
    (status = 200, description = "An earlier request with this key has declared it", body = DeclaredFile),
    (status = 400, description = "A header is missing or wrong", body = Problem),
    (status = 403, description = "You have as many files, bytes or unfinished uploads as you may (`quota`)", body = Problem),
    (status = 404, description = "This server takes no files", body = Problem),
    (status = 408, description = "The body came too slowly; what has come is kept", body = Problem),
    (status = 409, description = "The key names a file of another size", body = Problem),
    (status = 412, description = "Another version of tus", body = Problem),
    (status = 413, description = "Larger than `Tus-Max-Size`", body = Problem),
    (status = 415, description = "None of these types", body = Problem),
    (status = 422, description = "The size is 0 or no number, or the digest is wrong", body = Problem),
    (status = 503, description = "Too many transfers just now", body = Problem),
    (status = 507, description = "No room for more files just now", body = Problem),
))]
pub(in crate::http) async fn create(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    counted(MediaOp::Create, Box::pin(declare(&app, access, request)).await)
}

async fn declare(app: &App, access: Access, request: Request) -> Result<Response, ApiError> {
    let media = service(app)?;
    let headers = request.headers().clone();
    let Wanted { new, bytes, is_tus } = wanted(media, request).await?;
    let new = NewFile { client_key: client_key(&headers)?, ..new };
    if let Some(found) = media.declared_before(access.user, new.client_key.as_deref(), new.size).await? {
        return Ok(answer(&found, is_tus));
    }
    let transfer = bytes.as_ref().map(|_| media.transfer(access.user, Direction::Up)).transpose()?;
    let mut declared = media.declare(access.user, new).await?;
    if let (Some(bytes), Some(transfer), false) = (bytes, transfer, declared.is_repeated) {
        let id = declared.media.id;
        let Upload::Open(upload) = media.open_upload(access.user, id).await? else {
            return Err(MediaError::Complete.into());
        };
        let body = pieces(bytes.body, bytes.length);
        match upload.receive(body, bytes.checksum, transfer).await {
            Ok(received) => declared.media = answered(media, received)?,
            Err(error @ (MediaError::WrongChecksum | MediaError::WrongDigest)) => {
                // Nothing is kept, as if it had never been declared.
                media.delete(access.user, id).await?;
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(answer(&declared, is_tus))
}

/// Reads what a request wants, and checks it as far as the head alone tells.
async fn wanted(media: &MediaService, request: Request) -> Result<Wanted, ApiError> {
    let headers = request.headers();
    let is_tus = [UPLOAD_LENGTH, UPLOAD_DEFER_LENGTH, TUS_RESUMABLE].iter().any(|name| headers.contains_key(name));
    let wanted = if is_tus {
        by_tus(request)?
    } else if content_type(headers) == FILE_TYPE {
        whole(request)?
    } else if content_type(headers) == "application/json" {
        declaration(request).await?
    } else {
        let types = "application/json, application/octet-stream or, with Upload-Length, \
                     application/offset+octet-stream";
        return Err(MediaRefusal::OtherType(types).into());
    };
    if wanted.new.size == 0 {
        return Err(ApiError::Invalid("a file has at least one byte".to_owned()));
    }
    if wanted.new.size > media.max_bytes() {
        return Err(MediaError::TooLarge(media.max_bytes()).into());
    }
    if wanted.bytes.as_ref().and_then(|bytes| bytes.length).is_some_and(|length| length > wanted.new.size) {
        return Err(MediaRefusal::TooLarge { most: wanted.new.size, max_size: media.max_bytes() }.into());
    }
    Ok(wanted)
}

/// The creation of tus, with a part of the upload or without.
fn by_tus(request: Request) -> Result<Wanted, ApiError> {
    let headers = request.headers();
    check_version(headers)?;
    let length = body_length(&request);
    let has_bytes = length != Some(0);
    if has_bytes && !is_part(headers) {
        return Err(MediaRefusal::OtherType("application/offset+octet-stream").into());
    }
    let checksum = checksum(headers)?;
    if headers.contains_key(UPLOAD_DEFER_LENGTH) {
        return Err(MediaRefusal::BadHeader("Upload-Defer-Length is not offered: Upload-Length must be there").into());
    }
    let size = number(headers, &UPLOAD_LENGTH)?.ok_or(MediaRefusal::BadHeader("Upload-Length is missing"))?;
    let (metadata, sha256) = metadata(headers)?.map_or((None, None), |said| (Some(said.text), said.sha256));
    let bytes = has_bytes.then(|| FileBytes { body: request.into_body(), length, checksum });
    Ok(Wanted { new: NewFile { size, sha256, metadata, client_key: None }, bytes, is_tus: true })
}

/// A small file in one request.
fn whole(request: Request) -> Result<Wanted, ApiError> {
    let length = number(request.headers(), &CONTENT_LENGTH)?;
    let size = length.ok_or(MediaRefusal::BadHeader("Content-Length is missing"))?;
    let sha256 = repr_digest(request.headers())?;
    let bytes = Some(FileBytes { body: request.into_body(), length, checksum: None });
    Ok(Wanted { new: NewFile { size, sha256, ..NewFile::default() }, bytes, is_tus: false })
}

/// A declaration as JSON, without bytes.
async fn declaration(request: Request) -> Result<Wanted, ApiError> {
    let request = request.map(|body| body.narrowed(DECLARATION_BYTES, DECLARATION_TIME));
    let expected = "an object with size and perhaps sha256, 64 hexadecimal digits";
    let Declaration { size, sha256 } = json_body(request, expected).await?;
    let wrong = || ApiError::Invalid("sha256 must be 64 lower-case hexadecimal digits".to_owned());
    let sha256 = sha256.map(|text| sha256_hex(&text).ok_or_else(wrong)).transpose()?;
    Ok(Wanted { new: NewFile { size, sha256, ..NewFile::default() }, bytes: None, is_tus: false })
}

/// Makes the response: its head for clients of tus, and its body for others.
fn answer(declared: &Declared, is_tus: bool) -> Response {
    let status = if declared.is_repeated { StatusCode::OK } else { StatusCode::CREATED };
    let media = &declared.media;
    let url = format!("/media/{}", media.id);
    let mut response = if is_tus {
        full(status, Bytes::new())
    } else {
        let (id, expires_at) = (media.id.to_string(), media.expires_at);
        json(status, &DeclaredFile { id, upload_url: url.clone(), size: media.size, offset: media.offset, expires_at })
    };
    // Relative: the name by which the client reaches this server is a proxy's.
    if let Ok(url) = HeaderValue::try_from(url) {
        response.headers_mut().insert(LOCATION, url);
    }
    upload_headers(response.headers_mut(), media);
    response
}

/// Says how far an upload is, and until when it may go on.
pub(super) fn upload_headers(headers: &mut HeaderMap, media: &Media) {
    headers.insert(UPLOAD_OFFSET, HeaderValue::from(media.offset));
    if let Some(expires) = media.expires_at.and_then(http_date) {
        headers.insert(UPLOAD_EXPIRES, expires);
    }
}
