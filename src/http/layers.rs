//! The layers that every request and response passes, on both interfaces.

use std::any::Any;
use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, REFERRER_POLICY, SEC_WEBSOCKET_PROTOCOL,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::trace::{DefaultOnResponse, OnResponse, TraceLayer};
use tracing::field::Empty;

use super::error::ApiError;
#[cfg(feature = "otlp")]
use super::extract::Connection;
use super::host;
use super::request_id::NameRequestLayer;
use super::respond::Response;
use super::unread::{RawRequest, ReadRestLayer, ResponseBody};
use crate::config::Config;
use crate::telemetry::RequestId;
#[cfg(feature = "otlp")]
use crate::telemetry::traces;

/// The whole service behind a connection.
pub(super) type Service = BoxCloneSyncService<http::Request<Incoming>, http::Response<ResponseBody>, Infallible>;

/// The body of a response that has passed all layers but the outermost.
pub(super) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// The factor of `http.max_body_bytes` up to which a body is still read when its response is there already: what a
/// proxy lets through by default.
const UNREAD_FACTOR: u64 = 4;
/// The policy of every response that is not a page.
const CSP: &str = "default-src 'none'; frame-ancestors 'none'";
/// A year, the time that browsers ask for (RFC 6797 §6.1.1).
const HSTS: &str = "max-age=31536000";
/// As [`HSTS`], also for every host below the name of this one.
const HSTS_SUBDOMAINS: &str = "max-age=31536000; includeSubDomains";

/// Puts the layers that every request passes around the inner service of an interface. Outermost first: unread bodies,
/// request id, hidden credentials, log span, security headers, the host.
pub(super) fn around<S, B>(config: &Config, inner: S) -> Service
where
    S: tower::Service<RawRequest, Response = http::Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let hidden = [AUTHORIZATION, COOKIE, SEC_WEBSOCKET_PROTOCOL];
    let hsts = hsts(config);
    let unread = ReadRestLayer { limit: UNREAD_FACTOR.saturating_mul(config.http.max_body_bytes as u64) };
    let stack = ServiceBuilder::new()
        .layer(unread)
        .map_response(|response: http::Response<_>| response.map(UnsyncBoxBody::new))
        .layer(NameRequestLayer)
        .layer(SetSensitiveRequestHeadersLayer::new(hidden))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_request(())
                .on_response(NoteResponse(DefaultOnResponse::new().level(tracing::Level::DEBUG)))
                // Logged by the error itself, with its cause.
                .on_failure(()),
        )
        .map_response(move |response| secure(response, hsts))
        .layer(host::CheckLayer)
        .service(inner);
    BoxCloneSyncService::new(stack)
}

/// Returns the log span of a request. It has the path, never the query, which may hold a token.
fn span<B>(request: &http::Request<B>) -> tracing::Span {
    let id = request.extensions().get().map_or("", RequestId::as_str);
    let (method, path) = (request.method(), request.uri().path());
    // A socket's handshake also has the id under which the socket is known.
    let socket = Empty;
    #[cfg(not(feature = "otlp"))]
    return tracing::info_span!("http.request", %method, path, request.id = id, connection.id = socket);
    #[cfg(feature = "otlp")]
    {
        let kind = "server";
        let span = tracing::info_span!(
            "http.request", %method, path, request.id = id, connection.id = socket, otel.kind = kind
        );
        if Connection::is_of_trusted_proxy(request.extensions()) {
            traces::continue_trace(&span, request.headers());
        }
        span
    }
}

/// Notes in the span of a request how it was answered, and logs it as the layer does by itself.
#[derive(Clone)]
struct NoteResponse(DefaultOnResponse);

impl<B> OnResponse<B> for NoteResponse {
    fn on_response(self, response: &http::Response<B>, latency: Duration, span: &tracing::Span) {
        #[cfg(feature = "otlp")]
        traces::answered(span, response.status().as_u16());
        self.0.on_response(response, latency, span);
    }
}

/// Sets the security headers of a response. Those that an endpoint has set stay.
fn secure<B>(mut response: http::Response<B>, hsts: Option<&'static str>) -> http::Response<B> {
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    set(REFERRER_POLICY, "no-referrer");
    set(CONTENT_SECURITY_POLICY, CSP);
    // Responses are for one user: no shared cache may give them to another.
    set(CACHE_CONTROL, "no-store");
    if let Some(hsts) = hsts {
        set(STRICT_TRANSPORT_SECURITY, hsts);
    }
    response
}

fn hsts(config: &Config) -> Option<&'static str> {
    config.is_reached_by_tls().then_some(if config.http.hsts_include_subdomains { HSTS_SUBDOMAINS } else { HSTS })
}

/// Returns the layer that turns a panic of the inner service into an internal error.
pub(super) fn catch_panic() -> CatchPanicLayer<fn(Box<dyn Any + Send>) -> Response> {
    CatchPanicLayer::custom(after_panic as fn(Box<dyn Any + Send>) -> Response)
}

#[expect(clippy::needless_pass_by_value, reason = "the form that the layer wants")]
fn after_panic(cause: Box<dyn Any + Send>) -> Response {
    let text =
        cause.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| cause.downcast_ref::<String>().cloned());
    ApiError::Internal(format!("panic: {}", text.unwrap_or_default())).into_response()
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_problem_that_does_not_tell_its_cause() {
        async fn broken(_: http::Request<()>) -> Result<Response, Infallible> {
            panic!("secret cause");
        }
        let service = ServiceBuilder::new().layer(catch_panic()).service_fn(broken);
        let response = service.oneshot(http::Request::new(())).await.unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("\"internal\"") && !body.contains("secret"), "{body}");
    }
}
