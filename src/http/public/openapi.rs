//! The OpenAPI document, made from the endpoints and, for what is a frame as well, from the AsyncAPI document.
//!
//! It is made in tests alone, which compare it with `docs/openapi.json`: that is what the program holds and clients
//! get. The code that makes it would be a megabyte of the program.

mod frames;
mod operation;
mod refusals;
#[cfg(test)]
mod tests;

use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::endpoints::ENDPOINTS;
use crate::http::error::Problem;
use crate::http::route::Route;

/// The name of the security scheme of users' access tokens.
const BEARER: &str = "bearer";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Fluent",
        description = "Self-hosted backend of an end-to-end-encrypted messenger. All messages are ciphertext that the server cannot read.\n\nThe socket, on which messages come as they happen, is described by `/asyncapi.json`.\n\nEvery error is a problem (RFC 9457) with a `code`. Besides those of each operation: 400 for a request without one good `Host`, 404 (`not_found`) for an unknown path, and 405 (`method_not_allowed`, with `Allow`) for a path that does not know the method.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/", description = "The server that this document is from")),
    tags(
        (name = "accounts", description = "Registration and tokens"),
        (name = "sessions", description = "Where you are signed in"),
        (name = "account", description = "Your own account"),
        (name = "users", description = "Finding each other"),
        (name = "chat", description = "Messages"),
        (name = "media", description = "Files, encrypted by clients"),
        (name = "push", description = "Waking your devices"),
        (name = "health", description = "For operators and containers"),
    ),
    components(schemas(Problem)),
    modifiers(&SharedComponents)
)]
struct ApiDoc;

struct SharedComponents;

impl utoipa::Modify for SharedComponents {
    fn modify(&self, openapi: &mut Document) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("The access token of a login."))
            .build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme(BEARER, SecurityScheme::Http(scheme));
        refusals::add_to(components);
    }
}

/// The OpenAPI document as JSON, indented.
#[must_use]
pub fn openapi_document() -> String {
    let described = ENDPOINTS.iter().filter_map(described);
    let document = described.fold(ApiDoc::openapi(), Document::merge_from);
    // Documents made of constants: they serialise, or the snapshot test fails.
    let mut document = serde_json::to_value(document).unwrap_or_default();
    frames::add_to(&mut document);
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

/// Returns the document of one endpoint: its operation, with what follows from its route.
fn described(route: &Route) -> Option<Document> {
    let mut document = (route.document?)();
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        operations.into_iter().flatten().for_each(|operation| operation::complete(operation, route));
    }
    Some(document)
}
