//! The refusal that operations name by themselves. What other refusals they have follows from their routes.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{Ref, RefOr, Response};

/// The name of this refusal in the OpenAPI document, under `components.responses`.
pub(super) const NOT_FOUND: &str = "NotFound";

/// What the request names does not exist: for operations that name something.
pub(super) struct NotFound;

impl IntoResponses for NotFound {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        BTreeMap::from([("404".to_owned(), RefOr::Ref(Ref::from_response_name(NOT_FOUND)))])
    }
}
