//! The router: finds the route for a path and a method, checks who asks and how often, and keeps the limits that the
//! route states.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::ACCEPT;
use http::{HeaderMap, Method};

use super::app::App;
use super::body::LimitedBody;
use super::compress;
use super::error::ApiError;
use super::extract::{
    PathParameters, Request, brings_expired, check_address, check_stranger, client_address, limit_address, signed_in,
};
use super::operator_access::authorise;
use super::pages;
use super::respond::Response;
use super::route::{Handler, Route};
use super::unread::RawRequest;
use crate::auth::{Access, AuthError};
use crate::config::Config;
use crate::domain::Limiter;
use crate::telemetry::{SlowLog, metrics, millis};

impl Route {
    /// Returns the response of the endpoint, which counts for its account until it is written.
    async fn respond(
        &self,
        app: Arc<App>,
        access: Result<Access, ApiError>,
        mut request: Request,
    ) -> Result<Response, ApiError> {
        let takes_gzip = !self.is_transfer && compress::takes_gzip(request.headers());
        let compressed = |response: Response| if takes_gzip { compress::compress(response) } else { response };
        let shares = app.shares.clone();
        let permit_of = async |user| if self.is_transfer { Ok(None) } else { shares.permit(user).await.map(Some) };
        let (result, permit) = match self.handler {
            Handler::Public(handle) => return handle(app, request).await.map(compressed),
            Handler::Operator(handle) => {
                authorise(&app, self, &mut request).await?;
                return handle(app, request).await.map(compressed);
            }
            Handler::Optional(handle) => {
                let permit = match access {
                    Ok(access) => permit_of(access.user).await?,
                    Err(_) if self.judges_strangers => None,
                    Err(_) => {
                        check_stranger(&app, &request)?;
                        None
                    }
                };
                (handle(app, request).await, permit)
            }
            Handler::User(handle) => {
                let access = access?;
                let permit = permit_of(access.user).await?;
                // The login may have ended while the request waited.
                if app.auth.access().has_ended(access) {
                    return Err(AuthError::InvalidToken.into());
                }
                (handle(app, access, request).await, permit)
            }
        };
        let response = result.unwrap_or_else(ApiError::into_response);
        if self.is_transfer {
            return Ok(response);
        }
        // What is held is what is written.
        shares.hold(compressed(response), permit)
    }
}

/// Finds the endpoint of a request, and refuses the request when there is none.
pub(super) struct Router {
    paths: matchit::Router<Vec<&'static Route>>,
    /// The timeout of routes that state none.
    timeout: Duration,
    /// Whether only operators may learn which paths exist.
    is_for_operators: bool,
    /// What is logged of slow requests.
    slow: SlowLog,
}

impl Router {
    /// A router for these routes. Fails when two paths collide, which the first test that starts a server finds.
    pub(super) fn new(routes: &'static [Route], config: &Config) -> Result<Self, matchit::InsertError> {
        let timeout = Duration::from_secs(config.server.request_timeout_s);
        let mut by_path: Vec<(&'static str, Vec<&'static Route>)> = Vec::new();
        for route in routes {
            match by_path.iter_mut().find(|(path, _)| *path == route.path) {
                Some((_, same)) => same.push(route),
                None => by_path.push((route.path, vec![route])),
            }
        }
        for route in routes {
            let (method, path) = route.counted_as();
            metrics().http.prepare(method, path, route.other_status());
        }
        metrics().http.prepare(NOWHERE.0, NOWHERE.1, None);
        let mut paths = matchit::Router::new();
        for (path, routes) in by_path {
            paths.insert(path, routes)?;
        }
        let slow = SlowLog::new(config.log.slow_handler_ms);
        Ok(Self { paths, timeout, is_for_operators: routes.iter().all(Route::is_for_operators), slow })
    }

    /// Returns the response to a request, whatever becomes of it.
    pub(super) async fn respond(&self, app: Arc<App>, request: RawRequest) -> Response {
        let mut counted = Counted { started: Instant::now(), route: NOWHERE, status: None, slow: None };
        let found = self.find(&request);
        let may_be_page = found
            .as_ref()
            .map_or_else(|refusal| matches!(refusal, ApiError::NotFound(_)), |(route, _)| route.is_page());
        let wants_page = !self.is_for_operators && may_be_page && accepts_html(request.headers());
        counted.route = found.as_ref().map_or(NOWHERE, |(route, _)| route.counted_as());
        #[cfg(feature = "otlp")]
        crate::telemetry::traces::routed(counted.route.1);
        counted.slow = found.as_ref().ok().filter(|(route, _)| route.is_quick()).map(|_| &self.slow);
        let result = match (self.admit(&app, &request, &found), found) {
            (Ok(access), Ok((route, parameters))) => self.handle(app, access, (route, parameters), request).await,
            (Err(error), _) | (Ok(_), Err(error)) => Err(error),
        };
        let response = match result {
            Err(ApiError::NotFound(_)) if wants_page => pages::not_found(),
            result => result.unwrap_or_else(ApiError::into_response),
        };
        counted.status = Some(response.status().as_u16());
        response
    }

    /// Refuses a request for operators that comes from a page of another site, what comes from a blocked network, what
    /// other servers serve better, and what comes too often. Returns who asks, or why nobody is signed in.
    fn admit(&self, app: &App, request: &RawRequest, found: &Found) -> Result<Result<Access, ApiError>, ApiError> {
        const NOT_ASKED: Result<Access, ApiError> = Err(ApiError::Unauthorized("nobody is signed in here"));
        let is_for_operators = found.as_ref().map_or(self.is_for_operators, |(route, _)| route.is_for_operators());
        if is_for_operators {
            return app.operators.admit(request).map(|()| NOT_ASKED);
        }
        check_address(app, request)?;
        let needs_store = found.as_ref().is_ok_and(|(route, _)| route.needs_store());
        if needs_store && app.health.gate().is_fenced() {
            return Err(ApiError::Unavailable);
        }
        if found.as_ref().is_ok_and(|(route, _)| route.is_free) || request.method() == Method::OPTIONS {
            return Ok(NOT_ASKED);
        }
        let access = signed_in(app, request);
        let is_for_users = found.as_ref().is_ok_and(|(route, _)| route.is_for_users());
        match &access {
            Ok(access) => app.limiters.take(Limiter::RestUser, access.user)?,
            // It is refused, at the cost of a limit's refusal: every phone that wakes begins so, and many may share an
            // address.
            Err(_) if is_for_users && brings_expired(app, request) => {}
            Err(_) => limit_address(app, client_address(request), Limiter::RestAddress)?,
        }
        Ok(access)
    }

    /// Lets the route handle the request within its limits.
    async fn handle(
        &self,
        app: Arc<App>,
        access: Result<Access, ApiError>,
        (route, parameters): (&'static Route, Option<PathParameters>),
        mut request: RawRequest,
    ) -> Result<Response, ApiError> {
        if let Some(parameters) = parameters {
            request.extensions_mut().insert(parameters);
        }
        let request = request.map(|body| LimitedBody::new(body, route.reads, &app));
        let timeout = if route.is_transfer { Duration::MAX } else { route.timeout.unwrap_or(self.timeout) };
        tokio::time::timeout(timeout, route.respond(app, access, request)).await.unwrap_or(Err(ApiError::Unavailable))
    }

    /// Finds the route of a request.
    fn find(&self, request: &RawRequest) -> Found {
        let Ok(found) = self.paths.at(request.uri().path()) else {
            return Err(ApiError::NotFound("there is nothing at this path"));
        };
        // HEAD is GET without its body, which hyper leaves out.
        let wanted = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        let routes = found.value;
        if let Some(route) = routes.iter().find(|route| route.method == *wanted) {
            let parameters = found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
            let parameters = (!found.params.is_empty()).then(|| PathParameters(parameters.collect()));
            return Ok((*route, parameters));
        }
        let mut allow: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
        if allow.contains(&"GET") {
            allow.push("HEAD");
        }
        Err(ApiError::MethodNotAllowed { allow: allow.join(", ") })
    }
}

/// The method and the path of all requests that lead nowhere, for metrics.
const NOWHERE: (&str, &str) = ("other", "none");

/// Returns whether a request is a browser's for a page, and not a program's.
pub(super) fn accepts_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("text/html"))
}

/// A route and the parameters in the path, or the refusal.
type Found = Result<(&'static Route, Option<PathParameters>), ApiError>;

/// Counts a request when it ends, also when its handler panics or its client goes away.
struct Counted<'a> {
    started: Instant,
    /// What is logged when it takes long, where it should not.
    slow: Option<&'a SlowLog>,
    /// Its method and its path.
    route: (&'static str, &'static str),
    status: Option<u16>,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        // 499 is nginx's code for a client that did not wait.
        let unanswered = if std::thread::panicking() { 500 } else { 499 };
        let status = self.status.unwrap_or(unanswered);
        let (method, path) = self.route;
        let took = self.started.elapsed();
        metrics().http.request(method, path, status, took);
        if let Some(slow) = self.slow.filter(|slow| slow.is_slow(took))
            && let Some(left_out) = slow.line()
        {
            // The span has the request's id.
            tracing::warn!(route = path, status, duration_ms = millis(took), left_out, "a request was slow");
        }
    }
}
