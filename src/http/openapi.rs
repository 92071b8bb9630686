//! The OpenAPI document, made from the endpoints' own annotations.

use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::routes::{accounts, chat, conversations, health, me, messages, sessions, users, ws};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Fluent",
        description = "Self-hosted backend of an end-to-end-encrypted messenger. All messages are ciphertext that the server cannot read.",
        license(name = "Apache-2.0")
    ),
    paths(
        accounts::register,
        accounts::login,
        accounts::refresh,
        sessions::logout,
        sessions::logout_all,
        sessions::list,
        sessions::end,
        sessions::change_password,
        sessions::ws_ticket,
        users::by_ids,
        users::search,
        users::get_all_users,
        me::profile,
        me::delete,
        me::set_key,
        me::settings,
        me::blocked,
        me::block,
        me::unblock,
        chat::partnerinfo,
        chat::chat_list,
        chat::all_messages,
        conversations::list,
        messages::send,
        messages::delete,
        messages::sync,
        messages::receipts,
        ws::open,
        health::root,
        health::healthz,
        health::readyz,
    ),
    tags(
        (name = "accounts", description = "Registration and tokens"),
        (name = "sessions", description = "Where you are signed in"),
        (name = "account", description = "Your own account"),
        (name = "users", description = "Finding each other"),
        (name = "chat", description = "Messages"),
        (name = "health", description = "For operators and containers"),
    ),
    modifiers(&BearerScheme)
)]
struct ApiDoc;

struct BearerScheme;

impl utoipa::Modify for BearerScheme {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        openapi.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The document as JSON, indented.
#[must_use]
pub fn document() -> String {
    // A document made of constants: it serialises, or the snapshot test fails.
    ApiDoc::openapi().to_pretty_json().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::routes::public_routes;

    /// Paths that are for people, not programs.
    const PAGES: [&str; 6] = ["/", "/openapi.json", "/asyncapi.json", "/docs", "/docs/", "/docs/{*file}"];

    #[test]
    fn every_endpoint_is_described_and_nothing_else() {
        let document: serde_json::Value = serde_json::from_str(&document()).unwrap();
        let mut described: Vec<(String, String)> = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            described.extend(item.as_object().unwrap().keys().map(|method| (path.clone(), method.to_uppercase())));
        }
        let mut served: Vec<(String, String)> = public_routes()
            .iter()
            .filter(|route| !PAGES.contains(&route.path))
            .map(|route| (route.path.to_owned(), route.method.to_string()))
            .collect();
        described.sort();
        served.sort();
        assert_eq!(described, served);
    }
}
