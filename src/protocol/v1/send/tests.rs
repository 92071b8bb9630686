use serde_json::{Value, json};

use super::*;
use crate::domain::Command;
use crate::protocol::Request;
use crate::protocol::v1::tests::limits;
use crate::protocol::v1::{Context, decode};

const LIMIT: usize = 10;

fn good() -> Value {
    json!({"type": "send", "client_id": "c-1", "to": 2, "receiver_encrypted": "r", "sender_encrypted": "s",
        "message_type": "text"})
}

fn with(key: &str, value: Value) -> Value {
    let mut frame = good();
    frame[key] = value;
    frame
}

fn read_text(text: &str) -> Result<Draft, FrameError> {
    match decode(text, UserId(1), limits(LIMIT)).request {
        Ok(Request::Command(Command::Send(draft))) => Ok(*draft),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    }
}

fn read(frame: &Value) -> Result<Draft, FrameError> {
    read_text(&frame.to_string())
}

fn hash(frame: &Value) -> [u8; 32] {
    read(frame).unwrap().once.unwrap().content_hash
}

fn hex(hash: [u8; 32]) -> String {
    hash.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Returns a `send` with all optional fields.
fn full() -> Value {
    json!({"type": "send", "client_id": "c-1", "to": -3, "receiver_encrypted": "für 9", "sender_encrypted": "for 7",
        "message_type": "x-note.v2", "receiver_key_id": "d9cae0dbdbf078b2", "reply_to": 4709, "expires_in_s": 86400,
        "attachment_ids": ["a", 7, -1]})
}

#[test]
fn a_plain_draft() {
    let draft = read(&good()).unwrap();
    assert_eq!((draft.sender, draft.receiver()), (UserId(1), Some(UserId(2))));
    assert_eq!((draft.receiver_copy.as_bytes(), draft.sender_copy.as_bytes()), (&b"r"[..], &b"s"[..]));
    assert_eq!((draft.message_type, draft.once.unwrap().client_id.as_str()), (MessageType::text(), "c-1"));
    assert_eq!((draft.receiver_key_id, draft.reply_to, draft.expires_in_s, draft.objection), (None, None, None, None));
}

#[test]
fn a_full_draft() {
    let draft = read(&full()).unwrap();
    assert_eq!((draft.receiver(), draft.message_type.as_str()), (None, "x-note.v2"));
    assert_eq!(draft.receiver_key_id.as_deref(), Some("d9cae0dbdbf078b2"));
    assert_eq!((draft.reply_to, draft.expires_in_s), (Some(MessageId(4709)), Some(86400)));
    assert_eq!((draft.attachment_ids, draft.objection), (vec!["a".to_owned(), "7".to_owned(), "-1".to_owned()], None));
}

/// Hashes are stored in databases, so these two must never change. Another program has made them from the table at
/// `Content::hash`.
#[test]
fn content_hashes_are_durable() {
    assert_eq!(hex(hash(&good())), "e18b6dd597b745a762420327dd6c003bff7b20a6f98f19147b7f78fa94341b91");
    assert_eq!(hex(hash(&full())), "8da53accf0e5bd86294724256a1e52c8080edac1e6082d01ace9cd37660da483");
}

#[test]
fn what_counts_changes_the_hash() {
    let mut seen = std::collections::HashSet::from([hash(&good()), hash(&full())]);
    for (key, value) in [
        ("to", json!(3)),
        ("to", json!(-2)),
        ("to", json!(1_i64 << 32 | 2)),
        ("receiver_encrypted", json!("rs")),
        ("sender_encrypted", json!("rs")),
        ("message_type", json!("text2")),
        ("receiver_key_id", json!("0123456789abcdef")),
        ("receiver_key_id", json!("0123456789abcdee")),
        ("reply_to", json!(1)),
        ("expires_in_s", json!(1)),
        ("attachment_ids", json!([""])),
        ("attachment_ids", json!(["1"])),
        ("attachment_ids", json!([1])),
        ("attachment_ids", json!([1, 2])),
        ("attachment_ids", json!(["1", "2"])),
        ("attachment_ids", json!(["11"])),
        ("franking_tag", json!("A".repeat(43))),
        ("franking_tag", json!(format!("{}E", "A".repeat(42)))),
    ] {
        assert!(seen.insert(hash(&with(key, value.clone()))), "{key} {value}");
    }
    // A text that moves from one field to the next changes the hash.
    let moved = json!({"type": "send", "client_id": "c", "to": 2, "receiver_encrypted": "rs", "sender_encrypted": "t",
        "message_type": "ext"});
    assert!(seen.insert(hash(&moved)));
}

#[test]
fn what_does_not_count_leaves_the_hash() {
    let plain = hash(&good());
    for (key, value) in [
        ("client_id", json!("other")),
        ("ref", json!(7)),
        ("unknown", json!({"a": 1})),
        ("receiver_key_id", json!(null)),
        ("reply_to", json!(null)),
        ("expires_in_s", json!(null)),
        ("attachment_ids", json!(null)),
        ("attachment_ids", json!([])),
        ("franking_tag", json!(null)),
    ] {
        assert_eq!(hash(&with(key, value.clone())), plain, "{key} {value}");
    }
    let escaped = r#"{"sender_encrypted":"\u0073","message_type":"text","receiver_encrypted":"\u0072","to":2,"client_id":"c","type":"send"}"#;
    assert_eq!(read_text(escaped).unwrap().once.unwrap().content_hash, plain);
}

#[test]
fn receivers_that_cannot_be_are_left_to_the_writer() {
    for to in [0, -1, i64::from(i32::MAX) + 1, i64::MIN, i64::MAX] {
        assert_eq!(read(&with("to", json!(to))).unwrap().receiver(), None, "{to}");
    }
    assert_eq!(read(&with("to", json!(i32::MAX))).unwrap().receiver(), Some(UserId(i32::MAX)));
}

#[test]
fn objections_come_after_the_shape() {
    let objection = |frame: &Value| read(frame).unwrap().objection;
    let too_large = Some(Objection::TooLarge { limit: LIMIT });
    for key in ["receiver_encrypted", "sender_encrypted"] {
        assert_eq!(objection(&with(key, json!("ääääa1"))), None, "10 bytes");
        let mut frame = with(key, json!("ääääa12"));
        assert_eq!(objection(&frame), too_large, "11 bytes");
        let draft = read(&frame).unwrap();
        assert_eq!(draft.receiver_copy.as_bytes().len() + draft.sender_copy.as_bytes().len(), 12, "all of it is kept");
        frame["attachment_ids"] = json!(["a"]);
        assert_eq!(objection(&frame), too_large);
    }
}

#[test]
fn wrong_fields_are_refused() {
    for (key, value) in [
        ("to", json!(u64::MAX)),
        ("client_id", json!("")),
        ("client_id", json!("x".repeat(65))),
        ("client_id", json!("a b")),
        ("receiver_encrypted", json!("")),
        ("sender_encrypted", json!("")),
        ("message_type", json!("")),
        ("message_type", json!("Text")),
        ("message_type", json!("x".repeat(33))),
        ("receiver_key_id", json!("")),
        ("receiver_key_id", json!("0123456789abcde")),
        ("receiver_key_id", json!("0123456789abcdef0")),
        ("receiver_key_id", json!("0123456789ABCDEF")),
        ("receiver_key_id", json!("0123456789abcdeg")),
        ("receiver_key_id", json!("ää456789abcdef")),
        ("receiver_key_id", json!(7)),
        ("reply_to", json!(0)),
        ("reply_to", json!(1_i64 << 53)),
        ("reply_to", json!("1")),
        ("expires_in_s", json!(0)),
        ("expires_in_s", json!(31_536_001)),
        ("expires_in_s", json!(1.0)),
        ("attachment_ids", json!("a")),
        ("attachment_ids", json!({})),
        ("attachment_ids", json!([null])),
        ("attachment_ids", json!([["a"]])),
        ("attachment_ids", json!([1.5])),
        ("attachment_ids", json!(["a", "b", "a"])),
        ("attachment_ids", json!([1, "1"])),
        ("attachment_ids", json!((0..11).collect::<Vec<_>>())),
        ("franking_tag", json!("A".repeat(42))),
        ("franking_tag", json!("A".repeat(44))),
        ("franking_tag", json!(format!("{}B", "A".repeat(42)))),
        ("franking_tag", json!(7)),
    ] {
        let error = read(&with(key, value.clone())).unwrap_err();
        assert_eq!(error.code, ErrorCode::BadFrame, "{key} {value}");
        assert!(error.message.contains(key), "{error}");
    }
    for (key, value) in [
        ("expires_in_s", json!(1)),
        ("expires_in_s", json!(31_536_000)),
        ("reply_to", json!((1_i64 << 53) - 1)),
        ("receiver_key_id", json!("f".repeat(16))),
        ("client_id", json!("x".repeat(64))),
        ("attachment_ids", json!((0..10).collect::<Vec<_>>())),
    ] {
        assert!(read(&with(key, value)).is_ok(), "{key}");
    }
}

#[test]
fn a_body_is_a_send_without_its_type() {
    let body = |value: &Value, key| decode_send_body(value.to_string().as_bytes(), UserId(1), limits(LIMIT), key);
    let without = |key: &str| {
        let mut value = good();
        value.as_object_mut().unwrap().remove(key);
        value
    };
    let plain = hash(&good());
    let mut wrong_type = with("type", json!(["anything"]));
    wrong_type["ref"] = json!({});
    for (value, key, expected) in [
        (without("type"), None, "c-1"),
        (wrong_type, None, "c-1"),
        (good(), Some("c-1"), "c-1"),
        (without("client_id"), Some("h-1"), "h-1"),
        (with("client_id", json!(null)), Some("h-1"), "h-1"),
    ] {
        let (client_id, draft) = body(&value, key).unwrap();
        let once = draft.once.unwrap();
        assert_eq!((client_id.as_str(), once.client_id.as_str()), (expected, expected));
        assert_eq!(once.content_hash, plain, "a retry may take the other way");
    }
    for (value, key) in [
        (without("client_id"), None),
        (good(), Some("other")),
        (good(), Some("no header")),
        (with("client_id", json!("a b")), Some("c-1")),
        (without("to"), None),
        (json!([]), Some("c-1")),
    ] {
        assert_eq!(body(&value, key).unwrap_err().code, ErrorCode::BadFrame, "{value}");
    }
    for text in [&b""[..], b"{", b"{\"to\":\"\xff\"}"] {
        assert_eq!(decode_send_body(text, UserId(1), limits(LIMIT), None).unwrap_err().code, ErrorCode::BadJson);
    }
}

#[test]
fn nothing_of_a_frame_is_printed() {
    let frame = json!({"type": "send", "client_id": "c", "to": 2, "receiver_encrypted": "marker",
        "sender_encrypted": "marker", "message_type": "text"});
    let decoded = decode(&frame.to_string(), UserId(1), limits(LIMIT));
    assert_eq!(decoded.context, Context { reference: None, client_id: ClientId::parse("c") });
    assert!(!format!("{decoded:?}").contains("marker"));
}
