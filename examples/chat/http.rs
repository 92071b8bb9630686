//! REST over HTTP.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use fluent_client::transport::{OpenError, Server, Socket};
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::response::Parts;
use http::uri::InvalidUri;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tower::Service as _;

use crate::tls::{Connection, Connector};
use crate::wire::Problem;

/// Longest time of a request.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest time until the head of the response to a part of a file, which may be sent slowly.
const STREAM_TIMEOUT: Duration = Duration::from_mins(5);
/// Longest time to connect and shake hands.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer: a page of the largest messages.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The server said no.
    #[error("the server answers {status}: {detail}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// Why, for people.
        detail: String,
        /// Least time to wait, if the server asks for any.
        retry_after: Option<Duration>,
    },
    /// There was no answer, or half of one.
    #[error("the server cannot be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// The other end does not speak this protocol.
    #[error("the server's answer is not understood")]
    Unintelligible(#[source] serde_json::Error),
    /// The server speaks, but not the dialect that was offered.
    #[error("the server does not speak the offered dialect; an older one takes --legacy")]
    WrongDialect(#[source] Box<dyn Error + Send + Sync>),
    /// The call cannot be put into words.
    #[error("not a valid request")]
    BadRequest(#[source] Box<dyn Error + Send + Sync>),
}

impl CallError {
    /// What an answer with this status and body means.
    pub(crate) fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let retry_after = seconds.map(Duration::from_secs);
        match serde_json::from_slice(body) {
            Ok(Problem { detail, code }) if code == "unsupported_subprotocol" => Self::WrongDialect(detail.into()),
            Ok(Problem { detail, .. }) => Self::Refused { status, detail, retry_after },
            Err(_) => {
                let detail = status.canonical_reason().unwrap_or("no reason given").to_owned();
                Self::Refused { status, detail, retry_after }
            }
        }
    }

    /// From whatever kept the answer away.
    pub(crate) fn unreachable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unreachable(error.into())
    }

    /// Whether the status is this one.
    pub(crate) fn has_status(&self, wanted: StatusCode) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == wanted)
    }

    /// Whether the same call may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Refused { status, .. } => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Self::Unreachable(_) => true,
            Self::Unintelligible(_) | Self::WrongDialect(_) | Self::BadRequest(_) => false,
        }
    }
}

impl From<OpenError> for CallError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Refused { status, detail, retry_after, .. } => Self::Refused { status, detail, retry_after },
            OpenError::Unreachable(error) => Self::Unreachable(error),
            OpenError::WrongDialect(error) => Self::WrongDialect(error),
            OpenError::BadRequest(error) => Self::BadRequest(error),
        }
    }
}

/// Speaks HTTP with one server.
pub(crate) struct Http {
    server: Server,
    connector: Connector,
    client: Client<Connector, Full<Bytes>>,
}

impl Http {
    /// Connects with the first call.
    pub(crate) fn new(server: Server, connector: Connector) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(connector.clone());
        Self { server, connector, client }
    }

    /// Where the server is.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Opens a socket with the `handshake`. From then on the server sends every message of the user here.
    pub(crate) async fn open<F>(&self, handshake: impl FnOnce(Connection) -> F) -> Result<Socket<Connection>, OpenError>
    where
        F: Future<Output = Result<Socket<Connection>, OpenError>>,
    {
        let opening = async { handshake(self.connect().await.map_err(OpenError::unreachable)?).await };
        timeout(OPEN_TIMEOUT, opening).await.map_err(OpenError::unreachable)?
    }

    /// Opens a connection for a socket.
    async fn connect(&self) -> Result<Connection, CallError> {
        let uri = self.server.url("/").parse().map_err(|error: InvalidUri| CallError::BadRequest(error.into()))?;
        let stream = self.connector.clone().call(uri).await.map_err(CallError::Unreachable)?;
        Ok(TokioIo::new(Box::new(stream)))
    }

    /// `GET path` with an access token.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, token: &SecretString) -> Result<T, CallError> {
        let mut request = self.request(Method::GET, path, Bytes::new())?;
        request.headers_mut().insert(AUTHORIZATION, bearer(token)?);
        self.send(request).await
    }

    /// `POST path` with a JSON body.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, CallError> {
        let body = serde_json::to_vec(body).map_err(|error| CallError::BadRequest(error.into()))?;
        let mut request = self.request(Method::POST, path, body.into())?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.send(request).await
    }

    /// `POST path` with a JSON body and an access token.
    pub(crate) async fn post_with<T: DeserializeOwned>(
        &self,
        path: &str,
        token: &SecretString,
        body: &impl Serialize,
    ) -> Result<T, CallError> {
        let body = serde_json::to_vec(body).map_err(|error| CallError::BadRequest(error.into()))?;
        let mut request = self.request(Method::POST, path, body.into())?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(AUTHORIZATION, bearer(token)?);
        self.send(request).await
    }

    /// Sends a request of any kind with an access token, whose response is read by the caller, whatever its status.
    pub(crate) async fn stream(
        &self,
        method: Method,
        path: &str,
        token: &SecretString,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<(Parts, Incoming), CallError> {
        let mut request = self.request(method, path, body)?;
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).map_err(|error| CallError::BadRequest(error.into()))?;
            let value = HeaderValue::try_from(*value).map_err(|error| CallError::BadRequest(error.into()))?;
            request.headers_mut().insert(name, value);
        }
        request.headers_mut().insert(AUTHORIZATION, bearer(token)?);
        let response = timeout(STREAM_TIMEOUT, self.client.request(request)).await.map_err(CallError::unreachable)?;
        Ok(response.map_err(CallError::unreachable)?.into_parts())
    }

    fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, CallError> {
        Request::builder()
            .method(method)
            .uri(self.server.url(path))
            .body(Full::new(body))
            .map_err(|error| CallError::BadRequest(error.into()))
    }

    async fn send<T: DeserializeOwned>(&self, request: Request<Full<Bytes>>) -> Result<T, CallError> {
        let exchange = async {
            let response = self.client.request(request).await.map_err(CallError::unreachable)?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(CallError::unreachable)?;
            Ok::<_, CallError>((head, body.to_bytes()))
        };
        let (head, body) = timeout(TIMEOUT, exchange).await.map_err(CallError::unreachable)??;
        if !head.status.is_success() {
            return Err(CallError::refused(head.status, &head.headers, &body));
        }
        serde_json::from_slice(&body).map_err(CallError::Unintelligible)
    }
}

/// The value of `Authorization`.
fn bearer(token: &SecretString) -> Result<HeaderValue, CallError> {
    let value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()));
    let mut value = value.map_err(|error| CallError::BadRequest(error.into()))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_when_to_come_back() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        let error = CallError::refused(StatusCode::SERVICE_UNAVAILABLE, &headers, b"{\"detail\":\"draining\"}");
        let CallError::Refused { detail, retry_after, .. } = error else { panic!("{error}") };
        assert_eq!((detail.as_str(), retry_after), ("draining", Some(Duration::from_secs(7))));
    }
}
