//! What an endpoint is: stated once, beside its handler.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
#[cfg(feature = "testing")]
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::HttpMethod;

use super::app::App;
use super::error::ApiError;
use super::extract::Request;
use super::respond::Response;
use crate::auth::Access;

/// The beginning of all paths of the admin API.
pub(super) const ADMIN_API: &str = "/admin/api";

/// The future of an endpoint's response, or of its refusal.
pub(super) type ResponseFuture = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + Send>>;

/// One endpoint.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, stated where it holds")]
pub(super) struct Route {
    pub(super) method: Method,
    /// The path, with parameters as `{name}`.
    pub(super) path: &'static str,
    pub(super) handler: Handler,
    /// How much of a request's body the handler reads.
    pub(super) reads: BodyLimits,
    /// Whether requests do not count as such: what operators' tools ask again and again, and the handshake and the
    /// refresh, which have limiters of their own.
    pub(super) is_free: bool,
    /// Longest time until the response begins; `None` means `server.request_timeout_s`.
    pub(super) timeout: Option<Duration>,
    /// Whether files are sent or received, which the endpoint bounds: there is no timeout, the response is not
    /// compressed, and neither takes a share of the account or of what may wait for clients to read it.
    pub(super) is_transfer: bool,
    /// Whether the handler itself refuses strangers from networks that may not sign in: only when what they have sent
    /// does not verify.
    pub(super) judges_strangers: bool,
    /// Whether it shows what operators seldom need to see, as the text of a message: that is noted, and a token that
    /// can only read is not good for it.
    pub(super) reveals: bool,
    /// Whether the OpenAPI document describes it; pages and documents it leaves out.
    pub(super) is_documented: bool,
    /// Makes an OpenAPI document of this one operation.
    #[cfg(feature = "testing")]
    pub(super) document: Option<fn() -> OpenApi>,
}

/// The function that handles an endpoint, by who may ask: the router checks that before it calls the function.
#[derive(Clone, Copy)]
pub(super) enum Handler {
    /// For any client. The handshake of a socket is one: it checks credentials of its own kinds, waits in a queue of
    /// its own, and must not wait behind what the same app loads.
    Public(fn(Arc<App>, Request) -> ResponseFuture),
    /// For any client, about accounts: the response counts for the account whose token comes with the request, and
    /// without one for all strangers.
    Optional(fn(Arc<App>, Request) -> ResponseFuture),
    /// For a signed-in user, with what their access token grants: the response counts for their account.
    User(fn(Arc<App>, Access, Request) -> ResponseFuture),
    /// For an operator: programs and people of this network, but no page of another site.
    Operator(fn(Arc<App>, Request) -> ResponseFuture),
}

/// How much of a request's body an endpoint reads, and in which time.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimits {
    /// Most bytes, or `http.max_body_bytes` where that is less.
    pub(super) bytes: usize,
    /// Longest time between the first read and the end; `None` means the timeout of the route alone.
    pub(super) time: Option<Duration>,
    /// Whether the bytes take of the room that all requests without a token share.
    pub(super) takes_room: bool,
    /// Whether it is a file, which the endpoint itself bounds in size and time.
    pub(super) is_file: bool,
}

impl BodyLimits {
    /// No body is read.
    pub(super) const NOTHING: Self = Self { bytes: 0, time: None, takes_room: false, is_file: false };
    /// The body of a signed-in user.
    pub(super) const USERS: Self = Self { bytes: usize::MAX, ..Self::NOTHING };
    /// The bytes of a file, of a signed-in user.
    pub(super) const FILE: Self = Self { bytes: usize::MAX, is_file: true, ..Self::NOTHING };
    /// The body of a request without a token. The largest registration takes less.
    pub(super) const STRANGERS: Self =
        Self { bytes: 32 * 1024, time: Some(Duration::from_secs(10)), takes_room: true, ..Self::NOTHING };
}

impl Route {
    /// A route with the method and the path of the `#[utoipa::path]` that made `P`; it reads no body.
    pub(super) fn documented<P: utoipa::Path>(handler: Handler) -> Self {
        let method = P::methods().first().map(method_of).unwrap_or_default();
        // Once for the life of the program: the metrics need a name that stays.
        Self { is_documented: true, ..Self::page(method, P::path().leak(), handler) }
    }

    /// A route that the OpenAPI document leaves out; it reads no body.
    pub(super) fn page(method: Method, path: &'static str, handler: Handler) -> Self {
        Self {
            method,
            path,
            handler,
            reads: BodyLimits::NOTHING,
            is_free: false,
            timeout: None,
            is_transfer: false,
            judges_strangers: false,
            reveals: false,
            is_documented: false,
            #[cfg(feature = "testing")]
            document: None,
        }
    }

    /// Whether it is a page or a document, which people open in a browser.
    pub(super) fn is_page(&self) -> bool {
        !self.is_documented
    }

    /// Returns the method and the name of the path in metrics: pages for people count together, and so does all of the
    /// admin API.
    pub(super) fn counted_as(&self) -> (&'static str, &'static str) {
        let method = method_name(&self.method);
        match self.handler {
            Handler::Operator(_) if self.path.starts_with(ADMIN_API) => ("any", ADMIN_API),
            Handler::Public(_) if !self.is_documented => (method, "page"),
            _ => (method, self.path),
        }
    }

    /// Returns the class of status that it has besides success and refusal.
    pub(super) fn other_status(&self) -> Option<&'static str> {
        match self.counted_as() {
            // The handshake of a socket is the one request that switches protocols.
            (_, "/chat/ws") => Some("1xx"),
            (_, "page") => Some("3xx"),
            _ => self.is_transfer.then_some("3xx"),
        }
    }

    /// Whether its response should begin soon: it moves no file, and has no timeout of its own.
    pub(super) fn is_quick(&self) -> bool {
        !self.is_transfer && self.timeout.is_none()
    }

    /// Whether it reads or writes what the store has about an account.
    pub(super) fn needs_store(&self) -> bool {
        matches!(self.handler, Handler::Optional(_) | Handler::User(_))
    }

    /// Whether it is for signed-in users alone.
    pub(super) fn is_for_users(&self) -> bool {
        matches!(self.handler, Handler::User(_))
    }

    /// Whether it is for operators alone.
    pub(super) fn is_for_operators(&self) -> bool {
        matches!(self.handler, Handler::Operator(_))
    }
}

/// Returns the name of a method that routes have.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "GET",
    }
}

/// Returns the method that `#[utoipa::path]` states.
fn method_of(stated: &HttpMethod) -> Method {
    match stated {
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Delete => Method::DELETE,
        _ => Method::GET,
    }
}

/// A [`Route`]: who may ask, and the handler, an `async fn(Arc<App>, Request) -> Result<Response, ApiError>`, for users
/// with the [`Access`] between the two. Its `#[utoipa::path]` states the method, the path and the OpenAPI operation; a
/// page, which has none, has method and path here. Fields that differ from those of most routes follow.
macro_rules! route {
    (@handler public $($handler:ident)::+) => {
        $crate::http::route::Handler::Public(|app, request| Box::pin($($handler)::+(app, request)))
    };
    (@handler optional $($handler:ident)::+) => {
        $crate::http::route::Handler::Optional(|app, request| Box::pin($($handler)::+(app, request)))
    };
    (@handler user $($handler:ident)::+) => {
        $crate::http::route::Handler::User(|app, access, request| Box::pin($($handler)::+(app, access, request)))
    };
    (@handler operator $($handler:ident)::+) => {
        $crate::http::route::Handler::Operator(|app, request| Box::pin($($handler)::+(app, request)))
    };
    // What `#[utoipa::path]` makes of a handler beside it: a type of its name behind `__path_`.
    (@stated $module:ident::$handler:ident) => { pastey::paste!($module::[<__path_ $handler>]) };
    (@stated $outer:ident::$module:ident::$handler:ident) => { pastey::paste!($outer::$module::[<__path_ $handler>]) };
    ($access:ident $method:ident $path:literal $($handler:ident)::+ $(, $field:ident: $value:expr)*) => {{
        let handler = $crate::http::route::route!(@handler $access $($handler)::+);
        $crate::http::route::Route {
            $($field: $value,)*
            ..$crate::http::route::Route::page(http::Method::$method, $path, handler)
        }
    }};
    ($access:ident $($handler:ident)::+ $(, $field:ident: $value:expr)*) => {{
        #[cfg(feature = "testing")]
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($handler)::+))]
        struct Document;
        let handler = $crate::http::route::route!(@handler $access $($handler)::+);
        $crate::http::route::Route {
            $($field: $value,)*
            #[cfg(feature = "testing")]
            document: Some(<Document as utoipa::OpenApi>::openapi),
            ..$crate::http::route::Route::documented::<$crate::http::route::route!(@stated $($handler)::+)>(handler)
        }
    }};
}
pub(super) use route;
