//! The OpenAPI document of the admin API, made of its routes: what there is, and which scope each needs. What bodies
//! hold is described in docs/operations.

use std::sync::{Arc, LazyLock};

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::ENDPOINTS;
use crate::domain::OperatorScope;
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::Request;
use crate::http::respond::{Response, json};
use crate::http::route::Route;
use crate::version;

/// Made once: routes do not change.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| document(&ENDPOINTS));

/// The document.
pub(super) async fn show(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &*DOCUMENT))
}

fn document(routes: &[Route]) -> Value {
    let mut paths = Map::new();
    for route in routes {
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method.as_str().to_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Fluent: admin API", "version": version::VERSION},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer",
                "description": "fla_…, by `fluent-backend admin token create`; none at the socket admin.sock"}},
            "responses": {"Refused": {"description": "Refused, or failed (RFC 9457)",
                "content": {"application/problem+json": {"schema": {"type": "object", "properties": {
                    "status": {"type": "integer"}, "code": {"type": "string"},
                    "title": {"type": "string"}, "detail": {"type": "string"}}}}}}},
        },
    })
}

fn operation(route: &Route) -> Value {
    let names = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameters: Vec<Value> = names
        .clone()
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    let words = route.path.split('/').skip(3).map(|part| part.trim_matches(['{', '}']));
    let words: Vec<&str> = std::iter::once(route.method.as_str()).chain(words).collect();
    let scope = route.operator_scope(None, false).map_or("", OperatorScope::as_str);
    let mut operation = json!({
        "operationId": words.join("_").to_lowercase(),
        "x-scope": scope,
        "description": format!("Needs a token of the scope `{scope}`."),
        "responses": {
            "2XX": {"description": "Done", "content": {"application/json": {}}},
            "default": {"$ref": "#/components/responses/Refused"},
        },
    });
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if route.reads.bytes > 0 {
        operation["requestBody"] = json!({"content": {"application/json": {"schema": {"type": "object"}}}});
    }
    operation
}
