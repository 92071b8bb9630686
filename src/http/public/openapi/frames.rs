//! Frames in the OpenAPI document: their schemas are those of the AsyncAPI document, so that there is one truth for
//! each.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::http::public::docs::ASYNCAPI;

/// Where both documents keep their schemas.
const SCHEMAS: &str = "/components/schemas";
/// What a reference to a schema begins with, in both documents.
const REFERENCE: &str = "#/components/schemas/";
/// The frames that `GET /chat/sync` may return: all with a `seq`, and `reset`.
const SYNC_EVENTS: [(&str, &str); 8] = [
    ("message", "MessageFrame"),
    ("receipt", "ReceiptFrame"),
    ("deleted", "DeletedFrame"),
    ("deleted_before", "DeletedBeforeFrame"),
    ("key_changed", "KeyChangedFrame"),
    ("user_deleted", "UserDeletedFrame"),
    ("block", "BlockFrame"),
    ("reset", "ResetFrame"),
];

/// Adds the schemas of all frames that the document refers to.
pub(super) fn add_to(document: &mut Value) {
    // The document is part of the program; a test reads it.
    let asyncapi: Value = serde_json::from_slice(ASYNCAPI).unwrap_or_default();
    let Some(schemas) = document.pointer_mut(SCHEMAS).and_then(Value::as_object_mut) else { return };
    schemas.insert("SyncEvent".to_owned(), sync_event());
    if let Some(frame) = asyncapi.pointer(SCHEMAS).and_then(|known| known.get("SendFrame")) {
        schemas.insert("SendRequest".to_owned(), send_request(frame.clone()));
    }
    add_missing(document, &asyncapi);
}

/// Returns the union of [`SYNC_EVENTS`].
fn sync_event() -> Value {
    let reference = |name: &str| format!("{REFERENCE}{name}");
    let mapping: Map<String, Value> =
        SYNC_EVENTS.into_iter().map(|(kind, name)| (kind.to_owned(), reference(name).into())).collect();
    let frames: Vec<Value> = SYNC_EVENTS.into_iter().map(|(_, name)| json!({ "$ref": reference(name) })).collect();
    json!({
        "description": "A frame as on the socket.",
        "oneOf": frames,
        "discriminator": { "propertyName": "type", "mapping": mapping },
    })
}

/// Makes the body of `POST /chat/messages` of the frame `send`: the same but for `type` and `ref`, and with a
/// `client_id` that may be in a header instead.
fn send_request(mut frame: Value) -> Value {
    frame["description"] = "The fields of the frame `send`. `client_id` may be in the header Idempotency-Key.".into();
    if let Some(properties) = frame["properties"].as_object_mut() {
        properties.retain(|name, _| name != "type" && name != "ref");
    }
    if let Some(required) = frame["required"].as_array_mut() {
        required.retain(|name| name != "type" && name != "client_id");
    }
    frame
}

/// Adds schemas of the AsyncAPI document until every reference leads somewhere.
fn add_missing(document: &mut Value, asyncapi: &Value) {
    loop {
        let mut named = BTreeSet::new();
        collect_references(document, &mut named);
        let Some(schemas) = document.pointer_mut(SCHEMAS).and_then(Value::as_object_mut) else { return };
        let known = asyncapi.pointer(SCHEMAS);
        let missing = named.into_iter().filter(|name| !schemas.contains_key(name));
        let found: Vec<(String, Value)> =
            missing.filter_map(|name| known?.get(&name).cloned().map(|schema| (name, schema))).collect();
        if found.is_empty() {
            return;
        }
        schemas.extend(found);
    }
}

fn collect_references(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(name) = fields.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(REFERENCE)) {
                names.insert(name.to_owned());
            }
            fields.values().for_each(|field| collect_references(field, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, names)),
        _ => {}
    }
}
