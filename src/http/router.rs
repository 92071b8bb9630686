//! Finding the endpoint for a path and a method.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;

use super::app::App;
use super::compress;
use super::error::ApiError;
use super::extract::{PathParameters, Request, signed_in};
use super::respond::Response;
use crate::auth::{Access, AuthError};
use crate::telemetry::metrics;

pub(super) type Answer = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + Send>>;

/// One endpoint.
#[derive(Clone, Copy)]
pub(super) struct Route {
    pub(super) method: &'static Method,
    pub(super) path: &'static str,
    pub(super) handler: Handler,
}

/// Who may ask for an endpoint, and the function that handles it. The function of a user's endpoint is called only with
/// what a valid token grants.
#[derive(Clone, Copy)]
pub(super) enum Handler {
    /// Anybody. A socket's handshake is one: it checks credentials of its own kinds, waits in a line of its own, and
    /// must not wait behind what the same app loads.
    Public(fn(Arc<App>, Request) -> Answer),
    /// Anybody, about accounts: the response counts for the account whose token comes with the request, and else for
    /// all strangers.
    Optional(fn(Arc<App>, Request) -> Answer),
    /// A user who is signed in: the response counts for their account.
    User(fn(Arc<App>, Access, Request) -> Answer),
}

/// A [`Route`]: who may ask, method, path, and the handler, an `async fn(Arc<App>, Request) -> Result<Response,
/// ApiError>`, for users with the [`Access`] between the two.
macro_rules! route {
    (@handler public $handler:path) => {
        $crate::http::router::Handler::Public(|app, request| Box::pin($handler(app, request)))
    };
    (@handler optional $handler:path) => {
        $crate::http::router::Handler::Optional(|app, request| Box::pin($handler(app, request)))
    };
    (@handler user $handler:path) => {
        $crate::http::router::Handler::User(|app, access, request| Box::pin($handler(app, access, request)))
    };
    ($access:ident $method:ident $path:literal $handler:path) => {
        $crate::http::router::Route {
            method: &http::Method::$method,
            path: $path,
            handler: $crate::http::router::route!(@handler $access $handler),
        }
    };
}
pub(super) use route;

impl Route {
    /// The endpoint's response, which counts for its account until it is written.
    async fn answer(&self, app: Arc<App>, request: Request) -> Result<Response, ApiError> {
        let takes_gzip = compress::takes_gzip(request.headers());
        let compressed = |response: Response| if takes_gzip { compress::compress(response) } else { response };
        let shares = app.shares.clone();
        let (result, turn) = match self.handler {
            Handler::Public(handle) => return handle(app, request).await.map(compressed),
            Handler::Optional(handle) => {
                let turn = match signed_in(&app, &request) {
                    Ok(access) => Some(shares.turn(access.user).await?),
                    Err(_) => None,
                };
                (handle(app, request).await, turn)
            }
            Handler::User(handle) => {
                let access = signed_in(&app, &request)?;
                let turn = shares.turn(access.user).await?;
                // The login may have ended while the request waited.
                if app.auth.access().has_ended(access) {
                    return Err(AuthError::InvalidToken.into());
                }
                (handle(app, access, request).await, Some(turn))
            }
        };
        let response = result.unwrap_or_else(ApiError::into_response);
        // What is held is what is written.
        shares.hold(compressed(response), turn)
    }
}

/// Finds the endpoint of a request, and refuses the request when there is none.
pub(super) struct Router {
    paths: matchit::Router<Vec<Route>>,
    timeout: Duration,
}

impl Router {
    /// The paths are constants: a wrong one is found by the first test that starts a server.
    pub(super) fn new(routes: &[Route], timeout: Duration) -> Result<Self, matchit::InsertError> {
        let mut by_path: Vec<(&'static str, Vec<Route>)> = Vec::new();
        for route in routes {
            match by_path.iter_mut().find(|(path, _)| *path == route.path) {
                Some((_, same)) => same.push(*route),
                None => by_path.push((route.path, vec![*route])),
            }
        }
        let mut paths = matchit::Router::new();
        for (path, routes) in by_path {
            paths.insert(path, routes)?;
        }
        Ok(Self { paths, timeout })
    }

    /// Returns the response to a request, whatever becomes of it.
    pub(super) async fn answer(&self, app: Arc<App>, mut request: Request) -> Response {
        let mut counted = Counted::new(known_method(request.method()));
        let result = match self.find(&request) {
            Ok((route, parameters)) => {
                counted.route = route.path;
                if let Some(parameters) = parameters {
                    request.extensions_mut().insert(parameters);
                }
                let handled = tokio::time::timeout(self.timeout, route.answer(app, request)).await;
                handled.unwrap_or(Err(ApiError::Unavailable))
            }
            Err((path, error)) => {
                counted.route = path;
                Err(error)
            }
        };
        let response = result.unwrap_or_else(ApiError::into_response);
        counted.status = Some(response.status().as_u16());
        response
    }

    /// The route of a request and the parameters in its path; or the path's name for metrics and the refusal.
    fn find(&self, request: &Request) -> Result<(Route, Option<PathParameters>), (&'static str, ApiError)> {
        let Ok(found) = self.paths.at(request.uri().path()) else {
            return Err(("none", ApiError::NotFound("there is nothing at this path")));
        };
        // HEAD is GET without its body, which hyper leaves out.
        let wanted = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        let routes = found.value;
        if let Some(route) = routes.iter().find(|route| route.method == wanted) {
            let parameters = found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
            let parameters = (!found.params.is_empty()).then(|| PathParameters(parameters.collect()));
            return Ok((*route, parameters));
        }
        let mut allow: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
        if allow.contains(&"GET") {
            allow.push("HEAD");
        }
        let path = routes.first().map_or("none", |route| route.path);
        Err((path, ApiError::MethodNotAllowed { allow: allow.join(", ") }))
    }
}

/// Counts a request when it ends, also when its handler panics or its client goes away.
struct Counted {
    started: Instant,
    method: &'static str,
    route: &'static str,
    status: Option<u16>,
}

impl Counted {
    fn new(method: &'static str) -> Self {
        Self { started: Instant::now(), method, route: "none", status: None }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // 499 is nginx's word for a client that did not wait.
        let unanswered = if std::thread::panicking() { 500 } else { 499 };
        let status = self.status.unwrap_or(unanswered);
        metrics().http_request(self.method, self.route, status, self.started.elapsed());
    }
}

/// Returns the method as a label: all that a client makes up are one value.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
