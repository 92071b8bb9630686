//! Tests that the OpenAPI document describes what is served, and leaves nothing unsaid.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::*;
use crate::http::route::Handler;

fn document() -> Value {
    serde_json::from_str(&openapi_document()).unwrap()
}

/// Each operation of the document, by path and method.
fn operations() -> BTreeMap<(String, String), Value> {
    let document = document();
    let items = document["paths"].as_object().unwrap().iter();
    let operations = items.flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(|(method, operation)| {
            let name = (path.clone(), method.to_uppercase());
            (name, operation.clone())
        })
    });
    operations.collect()
}

/// Each route that the document describes, with its operation.
fn described_routes() -> Vec<(&'static Route, Value)> {
    let operations = operations();
    let routes = ENDPOINTS.iter().filter(|route| route.is_documented);
    routes.map(|route| (route, operations[&(route.path.to_owned(), route.method.to_string())].clone())).collect()
}

#[test]
fn every_endpoint_is_described_and_nothing_else() {
    let described: Vec<(String, String)> = operations().into_keys().collect();
    let routes = ENDPOINTS.iter().filter(|route| route.is_documented);
    let mut served: Vec<_> = routes.map(|route| (route.path.to_owned(), route.method.to_string())).collect();
    served.sort();
    assert_eq!(described, served);
    let pages: Vec<&str> = ENDPOINTS.iter().filter(|route| !route.is_documented).map(|route| route.path).collect();
    let of_documents = ["/docs/protocol", "/docs/frames", "/docs/security", "/docs/page.css"];
    let others =
        ["/", "/openapi.json", "/asyncapi.json", "/docs", "/docs/", "/docs/{*file}", "/icon.svg", "/media/probe"];
    let is_client = |page: &&str| *page == "/app" || page.starts_with("/app/");
    let is_known = |page: &&str| of_documents.contains(page) || others.contains(page) || is_client(page);
    assert!(pages.iter().all(is_known), "{pages:?}");
}

#[test]
fn an_operation_needs_a_token_when_its_endpoint_is_a_users() {
    for (route, operation) in described_routes() {
        let is_users = matches!(route.handler, Handler::User(_));
        let security = operation["security"].as_array().unwrap();
        assert_eq!(*security == [json!({ "bearer": [] })], is_users, "{} {}", route.method, route.path);
        let answers_401 = !operation["responses"]["401"].is_null();
        assert!(security.is_empty() || answers_401, "{} {}", route.method, route.path);
    }
}

#[test]
fn the_parameters_in_a_path_and_the_bodies_that_are_read_are_described() {
    for (route, operation) in described_routes() {
        let in_path = operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "path");
        let described: Vec<String> = in_path.map(|one| format!("{{{}}}", one["name"].as_str().unwrap())).collect();
        let named: Vec<&str> = route.path.split('/').filter(|part| part.starts_with('{')).collect();
        assert_eq!(described, named, "{} {}", route.method, route.path);
        assert_eq!(operation["requestBody"].is_null(), route.reads.bytes == 0, "{} {}", route.method, route.path);
    }
}

/// Programs are made of the document: they name a function after each.
#[test]
fn every_operation_has_a_name_of_its_own_that_says_what_it_does() {
    let mut seen = BTreeSet::new();
    for operation in operations().into_values() {
        let id = operation["operationId"].as_str().unwrap().to_owned();
        assert!(id.contains('_'), "{id} is a verb with a noun");
        assert!(seen.insert(id.clone()), "{id} is there twice");
    }
}

#[test]
fn every_response_has_words_and_names_the_request() {
    let document = document();
    for ((path, method), operation) in operations() {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let reference = response["$ref"].as_str().and_then(|to| document.pointer(to.strip_prefix('#')?));
            let response = reference.unwrap_or(response);
            let of = format!("{method} {path} {status}");
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{of} has no description");
            assert!(response["headers"]["X-Request-Id"].is_object(), "{of}");
        }
    }
}

#[test]
fn what_any_route_may_refuse_is_described_for_each() {
    for (route, operation) in described_routes() {
        let of = format!("{} {}", route.method, route.path);
        let statuses: BTreeSet<&str> = operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        let everywhere = ["403", "500"].into_iter();
        let limited = ["429", "503"].into_iter().filter(|_| !route.is_free);
        let with_body = ["400", "413", "415", "422"].into_iter().filter(|_| route.reads.bytes > 0);
        for status in everywhere.chain(limited).chain(with_body) {
            assert!(statuses.contains(status), "{of} lacks {status}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn check(value: &Value, document: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(to) = fields.get("$ref").and_then(Value::as_str) {
                    let path = to.strip_prefix('#').unwrap();
                    assert!(document.pointer(path).is_some(), "{to} leads nowhere");
                }
                fields.values().for_each(|field| check(field, document));
            }
            Value::Array(items) => items.iter().for_each(|item| check(item, document)),
            _ => {}
        }
    }
    let document = document();
    check(&document, &document);
}

#[test]
fn frames_are_those_of_the_asyncapi_document() {
    let document = document();
    let asyncapi: Value = serde_json::from_slice(super::super::docs::ASYNCAPI).unwrap();
    for name in ["StoredFrame", "DeletedFrame", "MessageFrame", "ResetFrame", "DeleteFor"] {
        let schema = &document["components"]["schemas"][name];
        assert!(schema.is_object() && *schema == asyncapi["components"]["schemas"][name], "{name}");
    }
    let send = &document["components"]["schemas"]["SendRequest"];
    let frame = &asyncapi["components"]["schemas"]["SendFrame"];
    assert_eq!(send["properties"]["receiver_encrypted"], frame["properties"]["receiver_encrypted"]);
    assert!(send["properties"]["type"].is_null() && send["properties"]["client_id"].is_object());
}
