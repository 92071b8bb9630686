//! The interface for clients, browsers among them.

mod accounts;
mod chat;
mod conversations;
mod directory;
mod docs;
mod endpoints;
mod keys;
mod logins;
mod me;
mod media;
mod messages;
#[cfg(feature = "testing")]
mod openapi;
mod probe;
mod push;
mod push_address;
mod reports;
mod second_factor;
mod users;
mod web;
mod ws;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue};
use matchit::InsertError;
use tower::ServiceBuilder;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

#[cfg(feature = "testing")]
pub use openapi::openapi_document;

use super::app::App;
use super::extract::{IDEMPOTENCY_KEY, INVITE_CODE};
use super::layers::{self, Service};
use super::request_id::REQUEST_ID;
use super::route::Route;
use super::router::Router;
use super::unread::RawRequest;
use crate::config;

/// Headers of all responses that pages may read.
const EXPOSED: [HeaderName; 2] = [RETRY_AFTER, REQUEST_ID];
/// The time for which a browser may remember the response to a preflight.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_hours(1);

/// The service of the public listener. Fails when two endpoints have the same path, which the first test that starts a
/// server finds.
pub(super) fn service(app: &Arc<App>) -> Result<Service, InsertError> {
    stack(app, &endpoints::ENDPOINTS)
}

/// Returns the service of the routes that are `served`, with all layers around them.
fn stack(app: &Arc<App>, served: &'static [Route]) -> Result<Service, InsertError> {
    let router = Arc::new(Router::new(served, &app.config)?);
    let all = app.clone();
    let endpoints = tower::service_fn(move |request: RawRequest| {
        let (app, router) = (all.clone(), router.clone());
        async move { Ok::<_, Infallible>(router.respond(app, request).await) }
    });
    let options = media::OptionsLayer { max_bytes: app.media.as_ref().map(|media| media.max_bytes()) };
    let inner = ServiceBuilder::new()
        .layer(options)
        .layer(cors(&app.config.http))
        .layer(layers::catch_panic())
        .service(endpoints);
    Ok(layers::around(&app.config, inner))
}

/// Returns the layer that tells browsers which pages may ask, and what they may send and read.
fn cors(config: &config::Http) -> CorsLayer {
    let allowed = [AUTHORIZATION, CONTENT_TYPE, IDEMPOTENCY_KEY, INVITE_CODE];
    let layer = CorsLayer::new()
        .allow_methods(Any)
        .allow_headers(allowed.into_iter().chain(media::REQUEST_HEADERS).collect::<Vec<_>>())
        .expose_headers(EXPOSED)
        .max_age(PREFLIGHT_MAX_AGE);
    if config.cors_origins.iter().any(|origin| origin == "*") {
        return layer.allow_origin(Any);
    }
    // Written as browsers write them.
    let origins = config.origins().filter_map(|origin| HeaderValue::try_from(origin).ok());
    layer.allow_origin(AllowOrigin::list(origins))
}

#[cfg(test)]
mod tests;
