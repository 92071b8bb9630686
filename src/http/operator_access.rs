//! Which operators may use a route: on this machine's socket all of it, and otherwise what their token is good for.

use http::Method;
use http::header::AUTHORIZATION;

use super::app::App;
use super::error::ApiError;
use super::extract::Request;
use super::local::LocalUser;
use super::route::{ADMIN_API, Route};
use crate::auth::{Bearer, bearer};
use crate::domain::{Operator, OperatorScope, OperatorTokenId};

/// Where the metrics are.
const METRICS: &str = "/metrics";

/// The token with which a request has come.
#[derive(Clone, Copy, Debug)]
struct TokenHolder(OperatorTokenId);

impl Route {
    /// Returns what a token must be good for that asks this route with `query`; `None` when none is needed.
    pub(super) fn operator_scope(&self, query: Option<&str>, metrics_need_token: bool) -> Option<OperatorScope> {
        if self.path == METRICS {
            return metrics_need_token.then_some(OperatorScope::Metrics);
        }
        let changes = self.method != Method::GET || self.reveals || asks_to_reveal(query);
        let scope = if changes { OperatorScope::Write } else { OperatorScope::Read };
        self.path.starts_with(ADMIN_API).then_some(scope)
    }
}

/// Returns whether a query asks for what is shown to operators only when they say so: `reveal=true`.
pub(super) fn asks_to_reveal(query: Option<&str>) -> bool {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .any(|(name, value)| name == "reveal" && value == "true")
}

/// Refuses a request of somebody who may not use the route, and notes who asks. Whoever comes by the socket of this
/// machine was checked by the kernel.
pub(super) async fn authorise(app: &App, route: &Route, request: &mut Request) -> Result<(), ApiError> {
    let metrics_need_token = app.config.admin.metrics_token;
    let Some(needed) = route.operator_scope(request.uri().query(), metrics_need_token) else { return Ok(()) };
    if request.extensions().get::<LocalUser>().is_some() {
        return Ok(());
    }
    let refused = || ApiError::Unauthorized("the token is missing, invalid, expired or revoked");
    let headers = request.headers().get_all(AUTHORIZATION).iter().filter_map(|value| value.to_str().ok());
    let Bearer::Token(text) = bearer(headers) else { return Err(refused()) };
    let token = app.service.operator_token(text).await?.ok_or_else(refused)?;
    if token.scope < needed {
        return Err(ApiError::Forbidden("the scope of the token does not allow this"));
    }
    let holder = TokenHolder(token.id);
    request.extensions_mut().insert(holder);
    Ok(())
}

/// Returns the operator who asks.
pub(super) fn operator(request: &Request) -> Operator {
    let extensions = request.extensions();
    let local = extensions.get::<LocalUser>().map(|LocalUser(id)| Operator::LocalUser(*id));
    local.or_else(|| extensions.get().map(|TokenHolder(id)| Operator::Token(*id))).unwrap_or(Operator::Unknown)
}
