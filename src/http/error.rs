//! Errors of endpoints, and the one place that turns them into status, code and text (RFC 9457).

mod conversions;
mod media;
mod problem;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CONNECTION, CONTENT_TYPE, RETRY_AFTER, SEC_WEBSOCKET_VERSION, UPGRADE,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, StatusCode};

pub(super) use media::{MediaRefusal, TUS_MAX_SIZE, TUS_VERSIONS, UPLOAD_OFFSET};
pub(super) use problem::Problem;
use problem::SECOND_FACTORS;

use super::respond::{Response, full};
use crate::domain::{CHALLENGE_S, Invalid, Limited};
use crate::protocol::{Detail, ErrorCode, FrameError};
use crate::socket::HandshakeError;

/// Seconds after which a client may try again after a 503.
const RETRY_AFTER_S: u64 = 1;

/// The reason why a request was refused or has failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("the request body is not JSON")]
    NotJson,
    #[error("the body must be JSON, with Content-Type: application/json")]
    NotJsonType,
    #[error("the body must not be compressed: Content-Encoding is identity, or absent")]
    UnknownCoding,
    #[error("a request must have one Host header: a name or an address, and perhaps a port")]
    BadHost,
    #[error("{0}")]
    Invalid(String),
    /// A wrong parameter of a socket's handshake, which has another status than [`Invalid`](Self::Invalid).
    #[error("{0}")]
    BadOpening(&'static str),
    /// A field of an account.
    #[error(transparent)]
    Field(Invalid),
    #[error("the user name, one that looks like it, or the e-mail address is already registered")]
    Taken,
    #[error("nobody may register here now")]
    RegistrationClosed,
    #[error("registration needs an invite: this one is missing, wrong, used up, expired or revoked")]
    InviteRequired,
    #[error("the report is not proved, or too old")]
    ReportInvalid,
    #[error("{0}")]
    Unauthorized(&'static str),
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("a code is needed: of the authenticator app, or a recovery code")]
    CodeNeeded(Option<String>),
    #[error("{0}")]
    Conflict(&'static str),
    #[error("{0}")]
    NotFound(&'static str),
    #[error("this path does not know that method")]
    MethodNotAllowed { allow: String },
    #[error("the request body is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("your network is blocked")]
    Banned { retry_after_ms: Option<u64> },
    /// The refusal of a limiter.
    #[error(transparent)]
    Limited(Limited),
    #[error("this name is unknown here: use an IP address or localhost, or name it in admin.hosts")]
    Misdirected,
    #[error("the server cannot do this now, try again")]
    Unavailable,
    #[error("device_id must match [A-Za-z0-9_-]{{1,64}}")]
    BadDevice,
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// A refusal about a file.
    #[error(transparent)]
    Media(MediaRefusal),
    /// The refusal of a command, as on the socket.
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the server has failed; the fault is logged")]
    Internal(String),
}

impl ApiError {
    /// Refuses a body that is JSON, but not what the endpoint reads.
    pub(super) fn wrong_body(expected: &str) -> Self {
        Self::Invalid(format!("the body must be {expected}"))
    }

    fn status_and_code(&self) -> (StatusCode, ErrorCode) {
        match self {
            Self::NotJson => (StatusCode::BAD_REQUEST, ErrorCode::BadJson),
            Self::NotJsonType | Self::UnknownCoding => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::UnsupportedMediaType)
            }
            Self::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::BadFrame),
            Self::Field(invalid) => (StatusCode::UNPROCESSABLE_ENTITY, code_of(invalid)),
            Self::Taken => (StatusCode::BAD_REQUEST, ErrorCode::NameTaken),
            Self::RegistrationClosed => (StatusCode::FORBIDDEN, ErrorCode::RegistrationClosed),
            Self::InviteRequired => (StatusCode::FORBIDDEN, ErrorCode::InviteRequired),
            Self::ReportInvalid => (StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::ReportInvalid),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, ErrorCode::Forbidden),
            Self::CodeNeeded(Some(_)) => (StatusCode::UNAUTHORIZED, ErrorCode::SecondFactorRequired),
            Self::CodeNeeded(None) => (StatusCode::FORBIDDEN, ErrorCode::SecondFactorRequired),
            Self::Conflict(_) => (StatusCode::CONFLICT, ErrorCode::Conflict),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, ErrorCode::NotFound),
            Self::MethodNotAllowed { .. } => (StatusCode::METHOD_NOT_ALLOWED, ErrorCode::MethodNotAllowed),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge),
            Self::Limited(_) => (StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited),
            Self::Banned { .. } => (StatusCode::FORBIDDEN, ErrorCode::Banned),
            Self::Misdirected => (StatusCode::MISDIRECTED_REQUEST, ErrorCode::Forbidden),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable),
            Self::Handshake(HandshakeError::NotAnUpgrade) => (StatusCode::UPGRADE_REQUIRED, ErrorCode::BadFrame),
            Self::BadHost | Self::BadDevice | Self::BadOpening(_) | Self::Handshake(HandshakeError::BadKey) => {
                (StatusCode::BAD_REQUEST, ErrorCode::BadFrame)
            }
            Self::Handshake(HandshakeError::UnsupportedSubprotocol) => {
                (StatusCode::BAD_REQUEST, ErrorCode::UnsupportedSubprotocol)
            }
            Self::Media(refusal) => refusal.status_and_code(),
            Self::Frame(error) => (status_of(error.code), error.code),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Internal),
        }
    }

    /// Returns the status of the response.
    pub(super) fn status(&self) -> StatusCode {
        self.status_and_code().0
    }

    fn add_headers(&self, headers: &mut HeaderMap) {
        match self {
            Self::Media(refusal) => refusal.add_headers(headers),
            Self::Unauthorized(_) | Self::CodeNeeded(Some(_)) => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::NotJsonType => {
                headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
            }
            Self::UnknownCoding => {
                headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            }
            Self::MethodNotAllowed { allow } => {
                // Made of the names of methods.
                if let Ok(allow) = HeaderValue::from_str(allow) {
                    headers.insert(ALLOW, allow);
                }
            }
            Self::Banned { retry_after_ms } => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
                if let Some(wait) = retry_after_ms {
                    headers.insert(RETRY_AFTER, HeaderValue::from(wait.div_ceil(1000).max(1)));
                }
            }
            Self::Limited(_) | Self::Frame(FrameError { code: ErrorCode::RateLimited, .. }) => {
                let (_, retry_after_ms) = self.limit().unwrap_or_default();
                headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_ms.div_ceil(1000).max(1)));
            }
            Self::Unavailable | Self::Frame(FrameError { code: ErrorCode::Unavailable, .. }) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
            }
            Self::Handshake(HandshakeError::NotAnUpgrade) => {
                headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            }
            _ => {}
        }
    }

    /// Returns the limiter that has refused the request, and the milliseconds after which to try again.
    fn limit(&self) -> Option<(&'static str, u64)> {
        match self {
            Self::Limited(limited) => Some((limited.limiter.name(), limited.retry_after_ms())),
            Self::Frame(FrameError { detail: Detail::Limiter(name), retry_after_ms, .. }) => {
                Some((name, retry_after_ms.unwrap_or_default()))
            }
            _ => None,
        }
    }

    /// Returns the response. A fault of the server is logged here, once.
    pub(super) fn into_response(self) -> Response {
        if let Self::Internal(cause) = &self {
            tracing::error!(error = %cause, "a request failed");
        }
        let (status, code) = self.status_and_code();
        let own_title = if let Self::Media(refusal) = &self { refusal.title() } else { None };
        let title = own_title.or(status.canonical_reason()).unwrap_or("Error");
        let mut problem = Problem {
            status: status.as_u16(),
            title,
            detail: self.to_string(),
            code,
            id: None,
            seq: None,
            timestamp: None,
            key_id: None,
            attachment_id: None,
            limiter: None,
            retry_after_ms: None,
            challenge: None,
            expires_in: None,
            methods: None,
        };
        if let Some((limiter, retry_after_ms)) = self.limit().filter(|_| code == ErrorCode::RateLimited) {
            (problem.limiter, problem.retry_after_ms) = (Some(limiter), Some(retry_after_ms));
        }
        match &self {
            Self::Frame(FrameError { detail: Detail::Conflict { id, seq, timestamp }, .. }) => {
                (problem.id, problem.seq, problem.timestamp) = (Some(id.0), Some(seq.0), Some(*timestamp));
            }
            Self::Frame(FrameError { detail: Detail::StaleKey { key_id }, .. }) => {
                problem.key_id = Some(key_id.clone());
            }
            Self::Frame(FrameError { detail: Detail::Attachment { id }, .. }) => {
                problem.attachment_id = Some(id.clone());
            }
            Self::CodeNeeded(Some(challenge)) => {
                problem.challenge = Some(challenge.clone());
                (problem.expires_in, problem.methods) = (Some(CHALLENGE_S), Some(SECOND_FACTORS));
            }
            Self::Banned { retry_after_ms } => {
                problem.retry_after_ms = *retry_after_ms;
            }
            _ => {}
        }
        // A plain struct of text and numbers always serialises.
        let mut response = full(status, serde_json::to_vec(&problem).unwrap_or_default());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        self.add_headers(response.headers_mut());
        response
    }
}

fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BadJson | ErrorCode::NameTaken | ErrorCode::UnsupportedSubprotocol => StatusCode::BAD_REQUEST,
        ErrorCode::BadFrame
        | ErrorCode::UnknownType
        | ErrorCode::ReportInvalid
        | ErrorCode::InvalidName
        | ErrorCode::InvalidEmail
        | ErrorCode::WeakPassword
        | ErrorCode::InvalidKey => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::UnknownUser | ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::Banned
        | ErrorCode::Blocked
        | ErrorCode::Forbidden
        | ErrorCode::Quota
        | ErrorCode::RegistrationClosed
        | ErrorCode::InviteRequired
        | ErrorCode::SecondFactorRequired => StatusCode::FORBIDDEN,
        ErrorCode::Conflict | ErrorCode::StaleKey => StatusCode::CONFLICT,
        ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Returns the code for what is wrong with a field of an account.
fn code_of(invalid: &Invalid) -> ErrorCode {
    match invalid.field {
        "username" => ErrorCode::InvalidName,
        "email" => ErrorCode::InvalidEmail,
        "password" => ErrorCode::WeakPassword,
        "public_key" => ErrorCode::InvalidKey,
        _ => ErrorCode::BadFrame,
    }
}

#[cfg(test)]
mod tests;
