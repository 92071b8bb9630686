//! Refusals that many operations share, for the OpenAPI document: each is a [`Problem`](super::error::Problem) with its
//! status. One that means something particular to an operation is described there.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

/// The type of a [`Problem`](super::error::Problem).
pub(super) const PROBLEM_TYPE: &str = "application/problem+json";

/// Returns a refusal as the document describes it.
pub(super) fn problem(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content(PROBLEM_TYPE, content).build()
}

macro_rules! refusals {
    ($($(#[$meta:meta])* $name:ident = $status:literal, $description:literal;)*) => {$(
        $(#[$meta])*
        pub(super) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                BTreeMap::from([($status.to_owned(), RefOr::T(problem($description)))])
            }
        }
    )*};
}

refusals! {
    /// The body is no JSON, or the request is wrong in another way that no field shows.
    BadRequest = "400", "";
    /// What the request names does not exist.
    NotFound = "404", "";
    /// The body is too large.
    TooLarge = "413", "";
    /// A field or a parameter is missing or wrong.
    Invalid = "422", "";
    /// The address has asked too often.
    RateLimited = "429", "";
    /// The server is overloaded or going down.
    Unavailable = "503", "";
    /// The threads that hash passwords have enough to do.
    HashingBusy = "503", "Too many passwords are being hashed";
}
