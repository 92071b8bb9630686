//! The interface for operators, on a listener of its own. No page of another origin may read anything here.

mod metrics;
mod operators;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use matchit::InsertError;
use tower::ServiceBuilder;

use super::app::App;
use super::extract::Request;
use super::layers::{self, Service};
use super::router::{Route, Router, route};
use super::{health, pages};
use operators::Operators;

/// The endpoints for operators. Whether a request may be answered is decided before its endpoint is looked for.
fn endpoints() -> Vec<Route> {
    vec![
        route!(public GET "/" pages::admin_index),
        route!(public GET "/metrics" metrics::metrics),
        route!(public GET "/healthz" health::healthz),
        route!(public GET "/readyz" health::readyz),
    ]
}

/// The service of the admin listener. Fails when two endpoints have the same path, which the first test that starts a
/// server finds.
pub(super) fn service(app: &Arc<App>) -> Result<Service, InsertError> {
    let router = Arc::new(Router::new(&endpoints(), Duration::from_secs(app.config.server.request_timeout_s))?);
    let (operators, all) = (Arc::new(Operators::new(&app.config.admin.hosts)), app.clone());
    let endpoints = tower::service_fn(move |request: Request| {
        let (app, router, admitted) = (all.clone(), router.clone(), operators.admit(&request));
        async move {
            Ok::<_, Infallible>(match admitted {
                Ok(()) => router.answer(app, request).await,
                Err(error) => error.into_response(),
            })
        }
    });
    let inner = ServiceBuilder::new().layer(layers::catch_panic()).service(endpoints);
    Ok(layers::around(&app.config.http, inner))
}
