//! The OpenAPI document, made from the endpoints.

use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, OpenApi as Document, Ref, RefOr, Response};

use super::endpoints::ENDPOINTS;
use crate::http::error::Problem;
use crate::http::refusals::{PROBLEM_TYPE, problem};
use crate::http::route::{Handler, Route};

const JSON_TYPE: &str = "application/json";
/// The name of the security scheme of users' access tokens.
const BEARER: &str = "bearer";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Fluent",
        description = "Self-hosted backend of an end-to-end-encrypted messenger. All messages are ciphertext that the server cannot read.",
        license(name = "Apache-2.0")
    ),
    tags(
        (name = "accounts", description = "Registration and tokens"),
        (name = "sessions", description = "Where you are signed in"),
        (name = "account", description = "Your own account"),
        (name = "users", description = "Finding each other"),
        (name = "chat", description = "Messages"),
        (name = "health", description = "For operators and containers"),
    ),
    components(schemas(Problem)),
    modifiers(&BearerScheme)
)]
struct ApiDoc;

struct BearerScheme;

impl utoipa::Modify for BearerScheme {
    fn modify(&self, openapi: &mut Document) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        openapi.components.get_or_insert_default().add_security_scheme(BEARER, SecurityScheme::Http(scheme));
    }
}

/// The OpenAPI document as JSON, indented.
#[must_use]
pub fn openapi_document() -> String {
    let described = ENDPOINTS.iter().filter_map(described);
    let document = described.fold(ApiDoc::openapi(), Document::merge_from);
    // A document made of constants: it serialises, or the snapshot test fails.
    document.to_pretty_json().unwrap_or_default()
}

/// Returns the document of one endpoint: its operation, with what follows from its route.
fn described(route: &Route) -> Option<Document> {
    let mut document = (route.description?)();
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
        operations.into_iter().flatten().for_each(|operation| complete(operation, route.handler));
    }
    Some(document)
}

/// Adds what is the same in many operations: the security of users' endpoints, 401 where a token may be given, 403 for
/// blocked networks, what is wrong with bodies that no field shows, and the type of refusals.
fn complete(operation: &mut Operation, handler: Handler) {
    if let Handler::User(_) = handler {
        operation.security = Some(vec![SecurityRequirement::new(BEARER, [] as [&str; 0])]);
    }
    let responses = &mut operation.responses.responses;
    if operation.security.is_some() {
        responses.entry("401".to_owned()).or_insert_with(|| RefOr::T(problem("")));
    }
    if operation.request_body.is_some() {
        responses.entry("400".to_owned()).or_insert_with(|| RefOr::T(problem("The body is not JSON (`bad_json`)")));
        responses.entry("413".to_owned()).or_insert_with(|| RefOr::T(problem("The body is too large")));
    }
    responses.entry("403".to_owned()).or_insert_with(|| RefOr::T(problem("Your network is blocked (`banned`)")));
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
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    /// Each operation of the document, by path and method.
    fn operations() -> BTreeMap<(String, String), Value> {
        let document: Value = serde_json::from_str(&openapi_document()).unwrap();
        let items = document["paths"].as_object().unwrap().iter();
        let operations = items.flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(|(method, operation)| {
                let name = (path.clone(), method.to_uppercase());
                (name, operation.clone())
            })
        });
        operations.collect()
    }

    #[test]
    fn every_endpoint_is_described_and_nothing_else() {
        let described: Vec<(String, String)> = operations().into_keys().collect();
        let routes = ENDPOINTS.iter().filter(|route| route.description.is_some());
        let mut served: Vec<_> = routes.map(|route| (route.path.to_owned(), route.method.to_string())).collect();
        served.sort();
        assert_eq!(described, served);
        assert_eq!((served.len(), ENDPOINTS.len()), (40, 46), "the six others are pages and documents");
    }

    #[test]
    fn an_operation_needs_a_token_when_its_endpoint_is_a_users() {
        let operations = operations();
        for route in ENDPOINTS.iter().filter(|route| route.description.is_some()) {
            let operation = &operations[&(route.path.to_owned(), route.method.to_string())];
            let is_users = matches!(route.handler, Handler::User(_));
            let needs_token = operation["security"] == json!([{ "bearer": [] }]);
            assert_eq!(needs_token, is_users, "{} {}", route.method, route.path);
            let may_have_token = !operation["security"].is_null();
            assert!(!may_have_token || !operation["responses"]["401"].is_null(), "{} {}", route.method, route.path);
        }
    }

    #[test]
    fn the_parameters_in_a_path_and_the_bodies_that_are_read_are_described() {
        let operations = operations();
        for route in ENDPOINTS.iter().filter(|route| route.description.is_some()) {
            let operation = &operations[&(route.path.to_owned(), route.method.to_string())];
            let in_path = operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "path");
            let described: Vec<String> = in_path.map(|one| format!("{{{}}}", one["name"].as_str().unwrap())).collect();
            let named: Vec<&str> = route.path.split('/').filter(|part| part.starts_with('{')).collect();
            assert_eq!(described, named, "{} {}", route.method, route.path);
            assert_eq!(operation["requestBody"].is_null(), route.reads.bytes == 0, "{} {}", route.method, route.path);
        }
    }
}
