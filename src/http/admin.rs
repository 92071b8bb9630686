//! The interface for operators, on a listener of its own. No page of another origin may read anything here.

mod api;
mod cluster;
mod events;
mod metrics;
mod monitor;
mod page;

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};

use matchit::InsertError;
use tower::ServiceBuilder;

use super::app::App;
use super::health;
use super::layers::{self, Service};
use super::route::{BodyLimits, Route, route};
use super::router::Router;
use super::unread::RawRequest;

/// The endpoints for operators.
static ENDPOINTS: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let pages = vec![
        route!(operator GET "/" page::start),
        route!(operator GET "/admin" page::redirect),
        route!(operator GET "/admin/" page::index),
        route!(operator POST "/admin/sign_in" api::sign_in, reads: BodyLimits::STRANGERS),
        route!(operator GET "/admin/{file}" page::file),
        route!(operator GET "/metrics" metrics::metrics),
        route!(operator GET "/admin/cluster" cluster::cluster),
        route!(operator GET "/admin/actors" monitor::actors),
        route!(operator health::healthz),
        route!(operator health::readyz),
    ];
    pages.into_iter().chain(api::endpoints()).collect()
});

/// The service of the admin listener. Fails when two endpoints have the same path, which the first test that starts a
/// server finds.
pub(super) fn service(app: &Arc<App>) -> Result<Service, InsertError> {
    stack(app, &ENDPOINTS)
}

/// The service of the local interface: the admin API alone. Fails as [`service`] does.
pub(super) fn local_service(app: &Arc<App>) -> Result<Service, InsertError> {
    stack(app, &api::ENDPOINTS)
}

/// Returns the service of the routes that are `served`, with all layers around them.
fn stack(app: &Arc<App>, served: &'static [Route]) -> Result<Service, InsertError> {
    let router = Arc::new(Router::new(served, &app.config)?);
    let all = app.clone();
    let endpoints = tower::service_fn(move |request: RawRequest| {
        let (app, router) = (all.clone(), router.clone());
        async move { Ok::<_, Infallible>(router.respond(app, request).await) }
    });
    let inner = ServiceBuilder::new().layer(layers::catch_panic()).service(endpoints);
    Ok(layers::around(&app.config, inner))
}

/// Returns method and path of each route for operators, for tests that must know all of them.
#[cfg(feature = "testing")]
#[must_use]
pub fn operator_routes() -> Vec<String> {
    ENDPOINTS.iter().map(|route| format!("{} {}", route.method, route.path)).collect()
}
