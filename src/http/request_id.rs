//! The layer that names each request: in the log, and in the header `X-Request-Id` of its response.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderName, HeaderValue};
use tower::Service;

use super::extract::Connection;
use super::unread::RawRequest;
use crate::telemetry::RequestId;

/// The header that names the request in its response, and from a trusted proxy also in the request.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The layer of [`NameRequest`].
#[derive(Clone, Copy)]
pub(super) struct NameRequestLayer;

impl<S> tower::Layer<S> for NameRequestLayer {
    type Service = NameRequest<S>;

    fn layer(&self, inner: S) -> NameRequest<S> {
        NameRequest { inner }
    }
}

/// The service that names requests. The inner service finds the name in the extensions, and works within its scope.
#[derive(Clone)]
pub(super) struct NameRequest<S> {
    inner: S,
}

impl<S, B> Service<RawRequest> for NameRequest<S>
where
    S: Service<RawRequest, Response = http::Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<B>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: RawRequest) -> Self::Future {
        let id = name(&request);
        request.headers_mut().remove(REQUEST_ID);
        request.extensions_mut().insert(id.clone());
        let responding = id.clone().scope(self.inner.call(request));
        Box::pin(async move {
            let mut response = responding.await?;
            put(&id, &mut response);
            Ok(response)
        })
    }
}

/// Returns the name that a trusted proxy has given the request, or a new one. Anybody else could write anything there.
fn name(request: &RawRequest) -> RequestId {
    let is_trusted = Connection::is_of_trusted_proxy(request.extensions());
    let foreign = request.headers().get(REQUEST_ID).filter(|_| is_trusted);
    foreign.and_then(|value| RequestId::of_proxy(value.as_bytes())).unwrap_or_else(RequestId::random)
}

/// Puts the name of a request into its response.
pub(super) fn put<B>(id: &RequestId, response: &mut http::Response<B>) {
    // Names are printable ASCII.
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
}
