//! Which endpoint answers a path and a method.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;

use super::app::App;
use super::compress;
use super::error::ApiError;
use super::extract::{Request, signed_in};
use super::respond::Response;
use crate::telemetry::metrics;

type Answer = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + Send>>;

/// One endpoint.
#[derive(Clone, Copy)]
pub struct Route {
    pub(super) method: &'static Method,
    pub(super) path: &'static str,
    pub(super) handler: fn(Arc<App>, Request) -> Answer,
}

impl Route {
    /// Whether what it answers is an account's, or about accounts. A socket's handshake is not: it waits in a line of
    /// its own, and must not wait behind what the same app loads.
    fn has_share(&self) -> bool {
        let of_accounts = ["/auth/", "/chat/", "/users"].iter().any(|prefix| self.path.starts_with(prefix));
        of_accounts && self.path != "/chat/ws"
    }

    /// The endpoint's answer, which counts as its account's until it is written.
    async fn answer(&self, app: Arc<App>, request: Request) -> Result<Response, ApiError> {
        let takes_gzip = compress::takes_gzip(request.headers());
        let compressed = |response: Response| if takes_gzip { compress::compress(response) } else { response };
        if !self.has_share() {
            return (self.handler)(app, request).await.map(compressed);
        }
        // Whether it must be signed in, and what it is told when it is not, is the endpoint's business.
        let turn = match signed_in(&app, &request) {
            Ok(access) => Some(app.shares.turn(access.user).await?),
            Err(_) => None,
        };
        let shares = app.shares.clone();
        let response = (self.handler)(app, request).await.unwrap_or_else(ApiError::into_response);
        // What is held is what is written.
        shares.hold(compressed(response), turn)
    }
}

/// Finds endpoints and answers in their stead when there is none.
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

    /// Answers a request, always.
    pub(super) async fn answer(&self, app: Arc<App>, request: Request) -> Response {
        let mut counted = Counted::new(known_method(request.method()));
        let result = match self.find(&request) {
            Ok(route) => {
                counted.route = route.path;
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

    fn find(&self, request: &Request) -> Result<Route, (&'static str, ApiError)> {
        let Ok(found) = self.paths.at(request.uri().path()) else {
            return Err(("none", ApiError::NotFound("there is nothing at this path")));
        };
        // HEAD is GET without its body, which hyper leaves out.
        let wanted = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        let routes = found.value;
        if let Some(route) = routes.iter().find(|route| route.method == wanted) {
            return Ok(*route);
        }
        let mut allow: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
        if allow.contains(&"GET") {
            allow.push("HEAD");
        }
        let path = routes.first().map_or("none", |route| route.path);
        Err((path, ApiError::MethodNotAllowed { allow: allow.join(", ") }))
    }
}

/// Counts a request when it ends, also when it panics or its client goes away.
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

/// The method as a label: whatever a client makes up is one value.
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
