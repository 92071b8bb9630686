//! The endpoints, one file a group, and the lists of them for the two listeners.

pub(super) mod accounts;
pub(super) mod chat;
pub(super) mod conversations;
pub(super) mod docs;
pub(super) mod health;
pub(super) mod me;
pub(super) mod messages;
pub(super) mod metrics;
pub(super) mod pages;
pub(super) mod sessions;
pub(super) mod users;
pub(super) mod ws;

use http::Method;

use super::router::Route;

/// One endpoint; the handler is `async fn(Arc<App>, Request) -> Result<Response, ApiError>`.
macro_rules! route {
    ($method:ident $path:literal $handler:path) => {
        Route { method: &Method::$method, path: $path, handler: |app, request| Box::pin($handler(app, request)) }
    };
}

/// What clients may reach.
#[must_use]
pub fn public_routes() -> Vec<Route> {
    vec![
        route!(GET "/" pages::index),
        route!(GET "/root" health::root),
        route!(GET "/healthz" health::healthz),
        route!(GET "/readyz" health::readyz),
        route!(GET "/openapi.json" docs::openapi),
        route!(GET "/asyncapi.json" docs::asyncapi),
        route!(GET "/docs" docs::redirect),
        route!(GET "/docs/" docs::index),
        route!(GET "/docs/{*file}" docs::file),
        route!(POST "/auth/register" accounts::register),
        route!(POST "/auth/login" accounts::login),
        route!(POST "/auth/refresh" accounts::refresh),
        route!(POST "/auth/logout" sessions::logout),
        route!(POST "/auth/logout_all" sessions::logout_all),
        route!(GET "/auth/sessions" sessions::list),
        route!(DELETE "/auth/sessions/{id}" sessions::end),
        route!(PUT "/auth/password" sessions::change_password),
        route!(POST "/auth/ws_ticket" sessions::ws_ticket),
        route!(GET "/auth/get_all_users" users::get_all_users),
        route!(GET "/users" users::by_ids),
        route!(GET "/users/search" users::search),
        route!(GET "/users/me" me::profile),
        route!(DELETE "/users/me" me::delete),
        route!(PUT "/users/me/public_key" me::set_key),
        route!(PUT "/users/me/settings" me::settings),
        route!(GET "/users/blocked" me::blocked),
        route!(PUT "/users/{id}/block" me::block),
        route!(DELETE "/users/{id}/block" me::unblock),
        route!(GET "/chat/conversations" conversations::list),
        route!(POST "/chat/messages" messages::send),
        route!(DELETE "/chat/messages/{id}" messages::delete),
        route!(GET "/chat/sync" messages::sync),
        route!(POST "/chat/receipts" messages::receipts),
        route!(GET "/chat/partnerinfo" chat::partnerinfo),
        route!(GET "/chat/chat_list" chat::chat_list),
        route!(GET "/chat/all_messages" chat::all_messages),
        route!(GET "/chat/ws" ws::open),
    ]
}

/// What operators may reach, on the admin listener.
#[must_use]
pub fn admin_routes() -> Vec<Route> {
    vec![
        route!(GET "/" pages::admin_index),
        route!(GET "/metrics" metrics::metrics),
        route!(GET "/healthz" health::healthz),
        route!(GET "/readyz" health::readyz),
    ]
}
