//! REST over plain HTTP.

use std::error::Error;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::Problem;

/// Longest time of a request.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer: a page of the largest messages.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Where the server is.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    address: String,
}

impl Server {
    /// `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl FromStr for Server {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let uri: Uri = text.parse().context("not a URL")?;
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => {}
            Some(scheme) if *scheme == Scheme::HTTPS => bail!("https is not supported by this example"),
            _ => bail!("must begin with http://"),
        }
        ensure!(matches!(uri.path(), "" | "/") && uri.query().is_none(), "must have no path");
        let host = uri.host().context("must name a host")?;
        Ok(Self { address: format!("{host}:{}", uri.port_u16().unwrap_or(80)) })
    }
}

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

/// Speaks HTTP with one server.
pub(crate) struct Http {
    server: Server,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Http {
    /// Connects with the first call.
    pub(crate) fn new(server: Server) -> Self {
        Self { server, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Where the server is.
    pub(crate) fn server(&self) -> &Server {
        &self.server
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

    fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, CallError> {
        Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.server.address))
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
        let (head, body) = tokio::time::timeout(TIMEOUT, exchange).await.map_err(CallError::unreachable)??;
        if !head.status.is_success() {
            return Err(CallError::refused(head.status, &head.headers, &body));
        }
        serde_json::from_slice(&body).map_err(CallError::Unintelligible)
    }
}

/// The value of `Authorization`.
pub(crate) fn bearer(token: &SecretString) -> Result<HeaderValue, CallError> {
    let value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()));
    let mut value = value.map_err(|error| CallError::BadRequest(error.into()))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_plain_http_origins() {
        let address = |text: &str| text.parse::<Server>().map(|server| server.address);
        assert_eq!(address("http://127.0.0.1:8000").unwrap(), "127.0.0.1:8000");
        assert_eq!(address("http://chat.example/").unwrap(), "chat.example:80");
        assert_eq!(address("http://[::1]:8000").unwrap(), "[::1]:8000");
        assert!(address("https://chat.example").unwrap_err().to_string().contains("not supported"));
        for bad in ["", "chat.example", "127.0.0.1:8000", "ftp://chat.example", "http://chat.example/api"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
    #[test]
    fn refusals_say_when_to_come_back() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        let error = CallError::refused(StatusCode::SERVICE_UNAVAILABLE, &headers, b"{\"detail\":\"draining\"}");
        let CallError::Refused { detail, retry_after, .. } = error else { panic!("{error}") };
        assert_eq!((detail.as_str(), retry_after), ("draining", Some(Duration::from_secs(7))));
    }
}
