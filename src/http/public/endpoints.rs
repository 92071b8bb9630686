//! The endpoints for clients: who may ask for each, and what it may take. The `#[utoipa::path]` of a handler states
//! method, path and OpenAPI operation.

use std::sync::LazyLock;

use super::{
    accounts, chat, conversations, docs, keys, logins, me, media, messages, push, reports, second_factor, users, ws,
};
use crate::http::route::{BodyLimits, Route, route};
use crate::http::{health, pages};

/// All endpoints for clients.
pub(super) static ENDPOINTS: LazyLock<Vec<Route>> = LazyLock::new(|| {
    vec![
        route!(public GET "/" pages::index),
        route!(public GET "/openapi.json" docs::openapi),
        route!(public GET "/asyncapi.json" docs::asyncapi),
        route!(public GET "/docs" docs::redirect),
        route!(public GET "/docs/" docs::index),
        route!(public GET "/docs/protocol" pages::protocol),
        route!(public GET "/docs/frames" pages::frames),
        route!(public GET "/docs/security" pages::security),
        route!(public GET "/docs/page.css" pages::style),
        route!(public GET "/docs/{*file}" docs::file),
        route!(public GET "/icon.svg" pages::icon),
        route!(public keys::jwks),
        route!(public health::root),
        route!(public health::healthz, is_free: true),
        route!(public health::readyz, is_free: true),
        route!(optional accounts::registration),
        route!(optional accounts::register, reads: BodyLimits::STRANGERS),
        route!(optional accounts::login, reads: BodyLimits::STRANGERS),
        route!(optional accounts::second_factor, reads: BodyLimits::STRANGERS),
        route!(optional accounts::refresh, reads: BodyLimits::STRANGERS, judges_strangers: true, is_free: true),
        route!(user second_factor::state),
        route!(user second_factor::begin, reads: BodyLimits::USERS),
        route!(user second_factor::confirm, reads: BodyLimits::USERS),
        route!(user second_factor::recovery_codes, reads: BodyLimits::USERS),
        route!(user second_factor::remove, reads: BodyLimits::USERS),
        route!(user logins::logout),
        route!(user logins::logout_all),
        route!(user logins::list),
        route!(user logins::end),
        route!(user logins::change_password, reads: BodyLimits::USERS),
        route!(user logins::ws_ticket),
        route!(optional users::get_all_users),
        route!(user users::by_ids),
        route!(user users::search),
        route!(user me::profile),
        route!(user me::delete, reads: BodyLimits::USERS),
        route!(user me::set_key, reads: BodyLimits::USERS),
        route!(user me::settings, reads: BodyLimits::USERS),
        route!(user me::blocked),
        route!(user me::block),
        route!(user me::unblock),
        route!(user conversations::list),
        route!(user messages::send, reads: BodyLimits::USERS),
        route!(user messages::delete),
        route!(user messages::sync),
        route!(user messages::receipts, reads: BodyLimits::USERS),
        route!(user push::config),
        route!(user push::register, reads: BodyLimits::USERS),
        route!(user push::list),
        route!(user push::remove),
        route!(user push::test, timeout: Some(push::TEST_TIMEOUT)),
        route!(user reports::report, reads: BodyLimits::USERS),
        route!(user chat::partnerinfo),
        route!(user chat::chat_list),
        route!(user chat::all_messages),
        route!(user media::create::create, reads: BodyLimits::FILE, is_transfer: true),
        route!(user media::append::whole, reads: BodyLimits::FILE, is_transfer: true),
        route!(user media::append::append, reads: BodyLimits::FILE, is_transfer: true),
        route!(user media::append::overridden, reads: BodyLimits::FILE, is_transfer: true),
        route!(optional media::read::read, is_transfer: true),
        route!(user media::links::delete),
        route!(user media::links::link, reads: BodyLimits::USERS),
        route!(public ws::open, is_free: true),
    ]
});
