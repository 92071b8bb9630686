//! A client of the local interface.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// Longest wait for an answer: more than the server takes before it gives up.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(2);

/// A connection to the local interface of a server.
pub struct LocalClient {
    sender: http1::SendRequest<Full<Bytes>>,
    longest: Duration,
}

/// An answer of the local interface.
#[derive(Debug)]
pub struct LocalAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its body: JSON, or nothing.
    pub body: Bytes,
}

impl LocalClient {
    /// Connects to the socket of a running server.
    #[cfg(unix)]
    pub async fn connect(path: &std::path::Path) -> io::Result<Self> {
        Self::over(tokio::net::UnixStream::connect(path).await?).await
    }

    /// Uses a stream whose other end serves the local interface.
    pub async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> io::Result<Self> {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(Self { sender, longest: ANSWER_TIMEOUT })
    }

    /// Waits longer for answers than usual.
    pub fn wait_up_to(&mut self, longest: Duration) {
        self.longest = longest;
    }

    /// Sends a request, with a JSON body or none, and waits for its answer.
    pub async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> io::Result<LocalAnswer> {
        let bytes = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let mut request = Request::new(Full::new(bytes));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(io::Error::other)?;
        request.headers_mut().insert(HOST, HeaderValue::from_static("localhost"));
        if body.is_some() {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let longest = self.longest;
        let asking = async {
            self.sender.ready().await?;
            let (head, body) = self.sender.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, hyper::Error>(LocalAnswer { status: head.status, body })
        };
        timeout(longest, asking).await?.map_err(io::Error::other)
    }
}
