//! The endpoints for clients: each is listed once, with who may ask for it. The OpenAPI document is made from the same
//! list.

use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, ContentBuilder, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder};

use super::{accounts, chat, conversations, docs, logins, me, messages, users, ws};
use crate::http::router::{Route, route};
use crate::http::{health, pages};

/// Endpoints that the OpenAPI document describes. Each has a `#[utoipa::path]` with the same method and path.
macro_rules! described {
    ($($access:ident $method:ident $path:literal $module:ident::$handler:ident)*) => {
        fn described() -> Vec<Route> {
            vec![$(route!($access $method $path $module::$handler)),*]
        }

        #[derive(OpenApi)]
        #[openapi(
            info(
                title = "Fluent",
                description = "Self-hosted backend of an end-to-end-encrypted messenger. All messages are ciphertext that the server cannot read.",
                license(name = "Apache-2.0")
            ),
            paths($($module::$handler),*),
            tags(
                (name = "accounts", description = "Registration and tokens"),
                (name = "sessions", description = "Where you are signed in"),
                (name = "account", description = "Your own account"),
                (name = "users", description = "Finding each other"),
                (name = "chat", description = "Messages"),
                (name = "health", description = "For operators and containers"),
            ),
            modifiers(&BearerScheme, &Problems)
        )]
        struct ApiDoc;
    };
}

described! {
    public GET "/root" health::root
    public GET "/healthz" health::healthz
    public GET "/readyz" health::readyz
    optional POST "/auth/register" accounts::register
    optional POST "/auth/login" accounts::login
    optional POST "/auth/refresh" accounts::refresh
    user POST "/auth/logout" logins::logout
    user POST "/auth/logout_all" logins::logout_all
    user GET "/auth/sessions" logins::list
    user DELETE "/auth/sessions/{id}" logins::end
    user PUT "/auth/password" logins::change_password
    user POST "/auth/ws_ticket" logins::ws_ticket
    optional GET "/auth/get_all_users" users::get_all_users
    user GET "/users" users::by_ids
    user GET "/users/search" users::search
    user GET "/users/me" me::profile
    user DELETE "/users/me" me::delete
    user PUT "/users/me/public_key" me::set_key
    user PUT "/users/me/settings" me::settings
    user GET "/users/blocked" me::blocked
    user PUT "/users/{id}/block" me::block
    user DELETE "/users/{id}/block" me::unblock
    user GET "/chat/conversations" conversations::list
    user POST "/chat/messages" messages::send
    user DELETE "/chat/messages/{id}" messages::delete
    user GET "/chat/sync" messages::sync
    user POST "/chat/receipts" messages::receipts
    user GET "/chat/partnerinfo" chat::partnerinfo
    user GET "/chat/chat_list" chat::chat_list
    user GET "/chat/all_messages" chat::all_messages
    public GET "/chat/ws" ws::open
}

/// Pages for people and documents, which the OpenAPI document leaves out.
fn undescribed() -> Vec<Route> {
    vec![
        route!(public GET "/" pages::index),
        route!(public GET "/openapi.json" docs::openapi),
        route!(public GET "/asyncapi.json" docs::asyncapi),
        route!(public GET "/docs" docs::redirect),
        route!(public GET "/docs/" docs::index),
        route!(public GET "/docs/{*file}" docs::file),
    ]
}

/// All endpoints for clients.
pub(super) fn all() -> Vec<Route> {
    let mut all = undescribed();
    all.extend(described());
    all
}

/// The OpenAPI document as JSON, indented.
#[must_use]
pub fn openapi_document() -> String {
    // A document made of constants: it serialises, or the snapshot test fails.
    ApiDoc::openapi().to_pretty_json().unwrap_or_default()
}

struct BearerScheme;

impl utoipa::Modify for BearerScheme {
    fn modify(&self, openapi: &mut Document) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        openapi.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// What is the same in the refusals of all endpoints: the type of a [`Problem`](crate::http::error::Problem), and 401
/// where a token may be given.
struct Problems;

const PROBLEM_TYPE: &str = "application/problem+json";
const JSON_TYPE: &str = "application/json";

impl utoipa::Modify for Problems {
    fn modify(&self, openapi: &mut Document) {
        for item in openapi.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
            operations.into_iter().flatten().for_each(complete);
        }
    }
}

/// Completes the refusals of one endpoint.
fn complete(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    if operation.security.is_some() {
        responses.entry("401".to_owned()).or_insert_with(|| {
            let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
            RefOr::T(ResponseBuilder::new().content(JSON_TYPE, problem).build())
        });
    }
    for response in responses.values_mut() {
        if let RefOr::T(response) = response {
            set_problem_type(response);
        }
    }
}

fn set_problem_type(response: &mut Response) {
    let problem = RefOr::from(Ref::from_schema_name("Problem"));
    let is_problem =
        |content: &RefOr<Content>| matches!(content, RefOr::T(content) if content.schema.as_ref() == Some(&problem));
    if response.content.get(JSON_TYPE).is_some_and(is_problem)
        && let Some(content) = response.content.shift_remove(JSON_TYPE)
    {
        response.content.insert(PROBLEM_TYPE.to_owned(), content);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_described_and_nothing_else() {
        let document: serde_json::Value = serde_json::from_str(&openapi_document()).unwrap();
        let mut described: Vec<(String, String)> = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            described.extend(item.as_object().unwrap().keys().map(|method| (path.clone(), method.to_uppercase())));
        }
        let pages: Vec<&str> = undescribed().iter().map(|route| route.path).collect();
        let mut served: Vec<(String, String)> = all()
            .iter()
            .filter(|route| !pages.contains(&route.path))
            .map(|route| (route.path.to_owned(), route.method.to_string()))
            .collect();
        described.sort();
        served.sort();
        assert_eq!(described, served);
    }
}
