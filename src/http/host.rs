//! The check of the host that a request is for.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures_util::future::{Either, MapOk, Ready, TryFutureExt as _, ready};
use http::Version;
use http::header::HOST;
use http::uri::Authority;
use tower::{Layer, Service};

use super::error::ApiError;
use super::respond::Body;
use super::unread::RawRequest;

/// The layer that checks the host of every request.
#[derive(Clone, Copy)]
pub(super) struct CheckLayer;

impl<S> Layer<S> for CheckLayer {
    type Service = Check<S>;

    fn layer(&self, inner: S) -> Check<S> {
        Check(inner)
    }
}

/// The service that lets requests with a valid host pass.
#[derive(Clone)]
pub(super) struct Check<S>(S);

/// The response of the inner service, or the refusal.
type CheckedResponse<B> = http::Response<http_body_util::Either<B, Body>>;

impl<S, B> Service<RawRequest> for Check<S>
where
    S: Service<RawRequest, Response = http::Response<B>, Error = Infallible>,
{
    type Response = CheckedResponse<B>;
    type Error = Infallible;
    type Future = Either<
        MapOk<S::Future, fn(http::Response<B>) -> CheckedResponse<B>>,
        Ready<Result<CheckedResponse<B>, Infallible>>,
    >;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: RawRequest) -> Self::Future {
        match check(&request) {
            Ok(()) => Either::Left(self.0.call(request).map_ok(|response| response.map(http_body_util::Either::Left))),
            Err(error) => Either::Right(ready(Ok(error.into_response().map(http_body_util::Either::Right)))),
        }
    }
}

/// Refuses a request without a host, with several, or with an invalid one (RFC 9112 §3.2). HTTP/1.0 does not know the
/// header.
fn check<B>(request: &http::Request<B>) -> Result<(), ApiError> {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_host(host.as_bytes()) => Ok(()),
        (None, _) if request.version() < Version::HTTP_11 => Ok(()),
        _ => Err(ApiError::BadHost),
    }
}

/// Returns whether this is a name or an address, and perhaps a port (RFC 9110 §7.2).
fn is_host(value: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(value) else { return false };
    let host = authority.host();
    let after = authority.as_str().strip_prefix(host);
    !host.is_empty() && after.is_some_and(|after| after.is_empty() || after.strip_prefix(':').is_some_and(is_port))
}

/// Returns whether this is a port. An empty text stands for the usual one.
fn is_port(text: &str) -> bool {
    text.is_empty() || (text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    #[test]
    fn hosts_are_names_and_addresses() {
        for good in ["x", "chat.example:8000", "127.0.0.1", "[::1]:443", "x:", "a_b"] {
            assert!(super::is_host(good.as_bytes()), "{good}");
        }
        for bad in ["", ":1", "a b", "user@x", "x:port", "x:70000", "a/b", "[::1", "::1", "[::1]x", "\u{fc}"] {
            assert!(!super::is_host(bad.as_bytes()), "{bad}");
        }
    }
}
