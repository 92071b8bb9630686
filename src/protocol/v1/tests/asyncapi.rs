//! Tests that the AsyncAPI document lists exactly the existing frames, each as the codec reads and writes it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::encode::{CODES, encode};
use super::limits;
use super::strict::Strict;
use super::written::said;
use crate::domain::UserId;
use crate::protocol::v1::{CLIENT_FRAMES, SERVER_FRAMES, decode};

/// `components.messages`.
fn messages() -> Map<String, Value> {
    let document: Value = serde_json::from_str(include_str!("../../../../docs/asyncapi.json")).unwrap();
    document["components"]["messages"].as_object().unwrap().clone()
}

/// The type and the payloads of every message of one side, with a name for each.
fn examples(side: &str) -> Vec<(String, String, Value)> {
    let mut examples = Vec::new();
    for (key, message) in messages() {
        let Some(kind) = key.strip_prefix(side) else { continue };
        let shown = message["examples"].as_array().unwrap_or_else(|| panic!("{key} has no examples"));
        assert!(!shown.is_empty(), "{key} has no examples");
        for example in shown {
            let name = format!("{key} {}", example["name"]);
            examples.push((kind.to_owned(), name, example["payload"].clone()));
        }
    }
    examples
}

#[test]
fn it_has_all_frames_and_no_other() {
    let shown: BTreeSet<String> = messages().into_iter().map(|(key, _)| key).collect();
    let client = CLIENT_FRAMES.into_iter().map(|kind| format!("client.{kind}"));
    let server = SERVER_FRAMES.into_iter().map(|kind| format!("server.{kind}"));
    assert_eq!(shown, client.chain(server).collect());
}

#[test]
fn client_examples_are_read() {
    for (kind, name, payload) in examples("client.") {
        let decoded = decode(&payload.to_string(), UserId(1), limits(98_304));
        let request = decoded.request.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(said(request)["type"], kind, "{name}");
        assert_eq!(payload["type"], kind, "{name}");
    }
}

#[test]
fn server_examples_are_written() {
    for (kind, name, payload) in examples("server.") {
        assert_eq!(payload["type"], kind, "{name}");
        let frame: Strict = serde_json::from_value(payload.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let written: Value = serde_json::from_slice(&encode(frame).into_bytes()).unwrap();
        assert_eq!(written, payload, "{name}");
    }
}

#[test]
fn every_error_code_has_an_example() {
    let shown: BTreeSet<String> = examples("server.error")
        .into_iter()
        .map(|(_, _, payload)| payload["code"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(shown, CODES.into_iter().map(|code| code.as_str().to_owned()).collect());
}
