//! Closed sets of words in the OpenAPI document.

use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// Describes a text that is one of these words.
pub(super) fn one_of(description: &str, words: impl IntoIterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).enum_values(Some(words)).build()
}
