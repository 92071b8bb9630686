//! Refusals that operations share: each is a [`Problem`](crate::http::error::Problem) under `components.responses`.
//! Every operation gets those that fit its route; one that means something particular to an operation is described
//! there.

use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Components, ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use crate::http::refusals::NOT_FOUND;

/// The type of a [`Problem`](crate::http::error::Problem).
pub(super) const PROBLEM_TYPE: &str = "application/problem+json";

/// A refusal that many operations share.
pub(super) struct Shared {
    /// The name under `components.responses`.
    pub(super) name: &'static str,
    pub(super) status: &'static str,
    description: &'static str,
}

/// All shared refusals, each with a status of its own.
pub(super) const SHARED: [Shared; 10] = [
    shared("BadBody", "400", "The body is not JSON (`bad_json`)"),
    shared("Unauthorized", "401", "There is no valid access token (`unauthorized`)"),
    shared("Banned", "403", "Your network is blocked (`banned`)"),
    shared(NOT_FOUND, "404", "There is no such thing, or it is not yours (`not_found`, `unknown_user`)"),
    shared("TooLarge", "413", "The body is too large (`too_large`)"),
    shared("UnsupportedMediaType", "415", "The body is not sent as JSON, or compressed (`unsupported_media_type`)"),
    shared("Invalid", "422", "A field or a parameter is missing or wrong (`bad_frame`)"),
    shared("RateLimited", "429", "Too many requests (`rate_limited`): try again after `Retry-After`"),
    shared("Failed", "500", "The server has failed (`internal`)"),
    shared("Unavailable", "503", "Overloaded or going down (`unavailable`): try again after `Retry-After`"),
];

const fn shared(name: &'static str, status: &'static str, description: &'static str) -> Shared {
    Shared { name, status, description }
}

/// Returns a reference to the shared refusal with this status, if there is one.
pub(super) fn with_status(status: &str) -> Option<RefOr<Response>> {
    let shared = SHARED.iter().find(|shared| shared.status == status)?;
    Some(RefOr::Ref(Ref::from_response_name(shared.name)))
}

/// Adds all shared refusals and headers to the components of a document.
pub(super) fn add_to(components: &mut Components) {
    for shared in &SHARED {
        let problem = Ref::from_schema_name("Problem");
        let content = ContentBuilder::new().schema(Some(problem)).build();
        let mut response =
            ResponseBuilder::new().description(shared.description).content(PROBLEM_TYPE, content).build();
        add_headers(&mut response, shared.status);
        components.responses.insert(shared.name.to_owned(), RefOr::T(response));
    }
    for (name, description, kind) in HEADERS {
        let schema = ObjectBuilder::new().schema_type(kind).build();
        let header: Header = HeaderBuilder::new().description(Some(description)).schema(Some(schema)).build();
        components.headers.insert(name.to_owned(), RefOr::T(header));
    }
}

/// Headers of responses: name, description and type.
const HEADERS: [(&str, &str, Type); 5] = [
    ("X-Request-Id", "The name of this request in the server's log.", Type::String),
    ("WWW-Authenticate", "`Bearer`.", Type::String),
    ("Retry-After", "Whole seconds after which to try again.", Type::Integer),
    ("Accept", "What a body must be sent as, when that was wrong.", Type::String),
    ("Accept-Encoding", "What a body may be coded as, when that was wrong.", Type::String),
];

/// Adds the headers of a response with this status, by reference.
pub(super) fn add_headers(response: &mut Response, status: &str) {
    let of_status: &[&str] = match status {
        "401" => &["WWW-Authenticate"],
        "403" | "429" | "503" => &["Retry-After"],
        "415" => &["Accept", "Accept-Encoding"],
        _ => &[],
    };
    for name in ["X-Request-Id"].iter().chain(of_status) {
        let header = Ref::new(format!("#/components/headers/{name}"));
        response.headers.entry((*name).to_owned()).or_insert(RefOr::Ref(header));
    }
}
