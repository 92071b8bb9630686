//! Going on with an upload: by tus, part by part, or whole in one request.

use std::sync::Arc;

use super::body::pieces;
use super::create::upload_headers;
use super::headers::{body_length, check_version, checksum, is_part, number, text};
use super::options::METHOD_OVERRIDE;
use super::{counted, id, links, service};
use crate::auth::Access;
use crate::domain::{Media, MediaId};
use crate::http::app::App;
use crate::http::error::{ApiError, MediaRefusal, Problem, UPLOAD_OFFSET};
use crate::http::extract::Request;
use crate::http::refusals::NotFound;
use crate::http::respond::{Response, no_content};
use crate::media::Checksum;
use crate::service::media::{BodyEnd, MediaError, MediaService, OpenUpload, Received, Upload};
use crate::telemetry::{Direction, MediaOp};

/// Go on with an upload, as tus 1.0.0 does.
///
/// A request that is still writing to this upload is stopped, and answered 409. What has come before a connection was
/// cut is kept; with `Upload-Checksum` all of a part is kept or nothing.
#[utoipa::path(patch, path = "/media/{id}", operation_id = "append_to_file", tag = "media",
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    params(
        ("id" = String, Path, description = "The file's id"),
        ("Tus-Resumable" = Option<String>, Header, description = "Must be `1.0.0`"),
        ("Upload-Offset" = Option<u64>, Header, description = "Must be there: how many bytes have come"),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha256` or `sha1`, and the checksum in base64"),
    ),
    responses(
    (status = 204, description = "Kept; `Upload-Offset` says how much there is now"),
    (status = 400, description = "A header is missing or wrong", body = Problem),
    NotFound,
    (status = 408, description = "The body came too slowly; what has come is kept", body = Problem),
    (status = 409, description = "The upload goes on at another offset, or a newer request has taken over", body = Problem),
    (status = 412, description = "Another version of tus, or none", body = Problem),
    (status = 413, description = "More bytes than are missing", body = Problem),
    (status = 415, description = "Another type", body = Problem),
    (status = 422, description = "The digest of the whole file is not the one declared; nothing of it is kept", body = Problem),
    (status = 423, description = "Another request is writing and did not stop in time", body = Problem),
    (status = 460, description = "The checksum is wrong; nothing of the part is kept", body = Problem),
    (status = 503, description = "Too many transfers just now", body = Problem),
    (status = 507, description = "No room on the disk; what has come is kept", body = Problem),
))]
pub(in crate::http) async fn append(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    counted(MediaOp::Append, Box::pin(part(&app, access, request)).await)
}

/// Send all bytes of a file that was declared.
///
/// If the connection is cut, go on with PATCH at the offset that HEAD returns.
#[utoipa::path(put, path = "/media/{id}", operation_id = "put_file", tag = "media",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    params(("id" = String, Path, description = "The file's id")), responses(
    (status = 204, description = "Kept"),
    (status = 400, description = "Fewer bytes than were declared", body = Problem),
    NotFound,
    (status = 408, description = "The body came too slowly; what has come is kept", body = Problem),
    (status = 409, description = "Some bytes have come already, or all", body = Problem),
    (status = 413, description = "More bytes than were declared", body = Problem),
    (status = 422, description = "The digest is not the one declared; nothing is kept", body = Problem),
    (status = 423, description = "Another request is writing and did not stop in time", body = Problem),
    (status = 503, description = "Too many transfers just now", body = Problem),
    (status = 507, description = "No room on the disk; what has come is kept", body = Problem),
))]
pub(in crate::http) async fn whole(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    counted(MediaOp::Append, Box::pin(put(&app, access, request)).await)
}

/// PATCH or DELETE, for clients that cannot send them.
#[utoipa::path(post, path = "/media/{id}", operation_id = "override_method", tag = "media",
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    params(
        ("id" = String, Path, description = "The file's id"),
        ("X-HTTP-Method-Override" = Option<String>, Header, description = "Must be `PATCH` or `DELETE`"),
    ),
    responses(
    (status = 204, description = "As of PATCH and DELETE, and so are all other responses"),
    NotFound,
    (status = 405, description = "Without the header", body = Problem),
    (status = 412, description = "Another version of tus, or none", body = Problem),
))]
pub(in crate::http) async fn overridden(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    match text(request.headers(), &METHOD_OVERRIDE)? {
        Some("PATCH") => append(app, access, request).await,
        Some("DELETE") => links::delete(app, access, request).await,
        _ => Err(ApiError::MethodNotAllowed { allow: "PUT, PATCH, DELETE, GET, HEAD".to_owned() }),
    }
}

async fn part(app: &App, access: Access, request: Request) -> Result<Response, ApiError> {
    let media = service(app)?;
    check_version(request.headers())?;
    let id = id(&request)?;
    media.owned(access.user, id).await?;
    if !is_part(request.headers()) {
        return Err(MediaRefusal::OtherType("application/offset+octet-stream").into());
    }
    let offset = number(request.headers(), &UPLOAD_OFFSET)?;
    let offset = offset.ok_or(MediaRefusal::BadHeader("Upload-Offset is missing"))?;
    let checksum = checksum(request.headers())?;
    let upload = match media.open_upload(access.user, id).await? {
        Upload::Open(upload) if upload.offset() == offset => upload,
        Upload::Open(upload) => return Err(MediaRefusal::OtherOffset(upload.offset()).into()),
        // The last part, sent once more because its response was lost.
        Upload::Complete(file) if file.size == offset && body_length(&request) == Some(0) => {
            return Ok(appended(&file));
        }
        Upload::Complete(file) if file.size == offset => {
            return Err(MediaRefusal::TooLarge { most: file.size, max_size: media.max_bytes() }.into());
        }
        Upload::Complete(file) => return Err(MediaRefusal::OtherOffset(file.size).into()),
    };
    let missing = upload.size() - upload.offset();
    if body_length(&request).is_some_and(|length| length > missing) {
        return Err(MediaRefusal::TooLarge { most: upload.size(), max_size: media.max_bytes() }.into());
    }
    receive(media, access, upload, request, checksum).await
}

async fn put(app: &App, access: Access, request: Request) -> Result<Response, ApiError> {
    let media = service(app)?;
    let id: MediaId = id(&request)?;
    let size = media.owned(access.user, id).await?.size;
    match body_length(&request) {
        Some(length) if length < size => {
            return Err(MediaRefusal::BadHeader("Content-Length is less than the declared size").into());
        }
        Some(length) if length > size => {
            return Err(MediaRefusal::TooLarge { most: size, max_size: media.max_bytes() }.into());
        }
        _ => {}
    }
    match media.open_upload(access.user, id).await? {
        Upload::Open(upload) if upload.offset() == 0 => receive(media, access, upload, request, None).await,
        Upload::Open(upload) => Err(MediaRefusal::OtherOffset(upload.offset()).into()),
        Upload::Complete(_) => Err(MediaError::Complete.into()),
    }
}

async fn receive(
    media: &MediaService,
    access: Access,
    upload: Box<OpenUpload>,
    request: Request,
    checksum: Option<Checksum>,
) -> Result<Response, ApiError> {
    // After the request that was taken over has ended, whose place it may be.
    let transfer = media.transfer(access.user, Direction::Up)?;
    let length = body_length(&request);
    let received = upload.receive(pieces(request.into_body(), length), checksum, transfer).await?;
    Ok(appended(&answered(media, received)?))
}

/// Returns the file with its new offset, or the refusal for a body that did not end well. What has come is kept.
pub(super) fn answered(media: &MediaService, received: Received) -> Result<Media, ApiError> {
    let Received { media: file, end } = received;
    match end {
        // Whose connection is cut reads nothing.
        BodyEnd::Whole | BodyEnd::Cut => Ok(file),
        BodyEnd::Stalled => Err(MediaRefusal::Stalled(file.offset).into()),
        BodyEnd::TakenOver => Err(MediaRefusal::TakenOver(file.offset).into()),
        BodyEnd::TooLong => Err(MediaRefusal::TooLarge { most: file.size, max_size: media.max_bytes() }.into()),
    }
}

fn appended(file: &Media) -> Response {
    let mut response = no_content();
    upload_headers(response.headers_mut(), file);
    response
}
