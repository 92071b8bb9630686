//! The examples of `vectors/files.json`, which clients in other languages check, too.

#![cfg(feature = "files")]
#![expect(clippy::unwrap_used, reason = "a failed expectation fails the test")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fluent_client::files::{
    ContentKey, FileEntry, FileKey, FileMessage, largest_within, open, padded, seal, unfranked,
};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../vectors/files.json")).unwrap()
}

fn cases(name: &str) -> Vec<Value> {
    let cases = vectors()[name].as_array().unwrap().clone();
    assert!(cases.len() > 1, "{name}");
    cases
}

fn text(case: &Value, name: &str) -> String {
    case[name].as_str().unwrap_or_else(|| panic!("{name}: {case}")).to_owned()
}

fn number(case: &Value, name: &str) -> u64 {
    case[name].as_u64().unwrap_or_else(|| panic!("{name}: {case}"))
}

/// A file of the examples: byte `i` is `i mod 251`.
fn content(size: u64) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

#[test]
fn files_are_encrypted_as_in_the_examples() {
    for case in cases("files") {
        let (size, padded_to) = (number(&case, "size"), number(&case, "padded"));
        let key = FileKey::parse(&text(&case, "encryption_key")).unwrap();
        assert_eq!(key.text(), text(&case, "encryption_key"));
        // The limit is what decides about the padding of these.
        let limit = number(&case, "ciphertext_size");
        assert!(padded(size, limit) == Some(padded_to) && largest_within(limit) == padded_to, "{case}");
        let mut sealed = Vec::new();
        let made = seal(&key, content(size).as_slice(), size, limit, &mut sealed).unwrap();
        assert_eq!((made.bytes, made.sha256.as_str()), (limit, text(&case, "sha256").as_str()), "{case}");
        if let Some(ciphertext) = case["ciphertext"].as_str() {
            assert_eq!(STANDARD.encode(&sealed), ciphertext);
        }
        let entry = FileEntry {
            id: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            file_name: String::new(),
            file_type: String::new(),
            size,
            encryption_key: key.text(),
            sha256: made.sha256,
            thumbnail: None,
        };
        let mut opened = Vec::new();
        open(&entry, sealed.as_slice(), made.bytes, &mut opened).unwrap();
        assert!(opened == content(size), "{case}");
    }
}

#[test]
fn files_are_padded_as_in_the_examples() {
    for case in cases("padding") {
        assert_eq!(padded(number(&case, "size"), number(&case, "limit")), case["padded"].as_u64(), "{case}");
    }
}

#[test]
fn plaintexts_are_encrypted_as_in_the_examples() {
    for case in cases("contents") {
        let key = ContentKey::from_bytes(&STANDARD.decode(text(&case, "content_key")).unwrap()).unwrap();
        let (plaintext, sealed) = (text(&case, "plaintext"), text(&case, "sealed"));
        assert_eq!(STANDARD.encode(key.seal(&plaintext).unwrap()), sealed, "{case}");
        assert_eq!(key.open(&STANDARD.decode(sealed).unwrap()), Some(plaintext));
    }
}

#[test]
fn messages_are_read_as_in_the_examples() {
    for case in cases("messages") {
        let plaintext = text(&case, "plaintext");
        let message = FileMessage::parse(&plaintext).unwrap();
        assert_eq!(message.files.len() as u64, number(&case, "files"), "{case}");
        assert_eq!(message.text.as_deref(), case["text"].as_str());
        let franked = unfranked(&plaintext);
        assert_eq!(franked.as_ref().map(|(_, rest)| rest.as_str()), case["committed"].as_str(), "{case}");
        if let Some((key, rest)) = franked {
            assert!(key.verify(&rest, &text(&case, "franking_tag")));
            assert_eq!(message.franked(&key), (plaintext, text(&case, "franking_tag")));
        }
    }
}
