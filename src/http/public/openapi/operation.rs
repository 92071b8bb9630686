//! What follows from a route, so that no handler has to describe it.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, Ref, RefOr, Required, Response};

use super::BEARER;
use super::refusals::{self, PROBLEM_TYPE};
use crate::http::route::{Handler, Route};

const JSON_TYPE: &str = "application/json";

/// Adds what follows from the route of an operation: its security, the refusals that many have in common, their type,
/// and the headers of all responses. What the operation says itself stays.
pub(super) fn complete(operation: &mut Operation, route: &Route) {
    let of_user = matches!(route.handler, Handler::User(_));
    let security = || if of_user { vec![SecurityRequirement::new(BEARER, [] as [&str; 0])] } else { Vec::new() };
    let takes_token = !operation.security.get_or_insert_with(security).is_empty();
    let has_body = operation.request_body.is_some();
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.required = Some(Required::True);
    }
    let has_parameters = operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty());
    let responses = &mut operation.responses.responses;
    // Who answers wrong parameters with 400 describes that.
    let says_invalid = has_body || has_parameters && !responses.contains_key("400");
    let shared = [
        ("400", has_body),
        ("401", takes_token),
        ("403", true),
        ("413", has_body),
        ("415", has_body),
        ("422", says_invalid),
        ("429", !route.is_free),
        ("500", true),
        ("503", !route.is_free),
    ];
    for (status, _) in shared.into_iter().filter(|(_, applies)| *applies) {
        if let Some(response) = refusals::with_status(status) {
            responses.entry(status.to_owned()).or_insert(response);
        }
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response {
            set_problem_type(response);
            refusals::add_headers(response, status);
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
