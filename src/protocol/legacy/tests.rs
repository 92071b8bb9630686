use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::{ConversationId, MessageId, Seq};

const LIMIT: usize = 1000;

fn read(text: &str) -> Result<Draft, FrameError> {
    decode(text, UserId(1), LIMIT).map(drafted)
}

/// The message that a request sends: there is nothing else in this dialect.
fn drafted(request: Request) -> Draft {
    match request {
        Request::Command(Command::Send(draft)) => *draft,
        other => panic!("{other:?}"),
    }
}

fn code(text: &str) -> ErrorCode {
    read(text).unwrap_err().code
}

fn good() -> Value {
    json!({"receiverID": 2, "receiver_encrypted": "r", "sender_encrypted": "s", "messageType": "text"})
}

fn with(key: &str, value: Value) -> String {
    let mut frame = good();
    frame[key] = value;
    frame.to_string()
}

#[test]
fn the_apps_frame_is_read() {
    let draft = read(&with("extra", json!({"deep": [1, 2]}))).unwrap();
    assert_eq!((draft.sender, draft.receiver()), (UserId(1), Some(UserId(2))));
    assert_eq!((draft.receiver_copy.as_bytes(), draft.sender_copy.as_bytes()), (&b"r"[..], &b"s"[..]));
}

#[test]
fn wrong_frames_are_named() {
    assert_eq!(code("nonsense"), ErrorCode::BadJson);
    assert_eq!(code(""), ErrorCode::BadJson);
    assert_eq!(code("{\"receiverID\":1"), ErrorCode::BadJson);
    assert_eq!(code(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))), ErrorCode::BadFrame);
    for text in ["[]", "null", "7", "{}"] {
        assert_eq!(code(text), ErrorCode::BadFrame, "{text}");
    }
    for (key, value) in [
        ("receiverID", json!("2")),
        ("receiverID", json!(2.5)),
        ("receiverID", json!(true)),
        ("receiverID", json!(null)),
        ("receiver_encrypted", json!(7)),
        ("receiver_encrypted", json!("")),
        ("sender_encrypted", json!({})),
        ("messageType", json!("image")),
        ("messageType", json!(null)),
    ] {
        assert_eq!(code(&with(key, value.clone())), ErrorCode::BadFrame, "{key} {value}");
    }
    for key in ["receiverID", "receiver_encrypted", "sender_encrypted", "messageType"] {
        let mut frame = good();
        frame.as_object_mut().unwrap().remove(key);
        let error = read(&frame.to_string()).unwrap_err();
        assert!(error.message.contains(key) && error.message.contains("missing"), "{error}");
    }
    // No user has such an id; the writer refuses it.
    assert_eq!(read(&with("receiverID", json!(i64::from(i32::MAX) + 1))).unwrap().receiver(), None);
    assert_eq!(code(&with("sender_encrypted", json!("x".repeat(LIMIT + 1)))), ErrorCode::TooLarge);
    assert_eq!(code("{\"receiverID\":1,\"receiverID\":1}"), ErrorCode::BadFrame);
    assert_eq!(code("{\"receiver_encrypted\":\"\\ud800\"}"), ErrorCode::BadJson);
}

#[test]
fn deep_json_in_an_ignored_key_does_not_overflow() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let text = format!("{{\"x\":{deep},\"receiverID\":2}}");
    assert_eq!(code(&text), ErrorCode::BadFrame);
    assert_eq!(code(&format!("{{\"receiverID\":{deep}}}")), ErrorCode::BadFrame);
}

#[test]
fn errors_lack_the_message_keys_and_the_content() {
    let error = read(&with("receiverID", json!("marker"))).unwrap_err();
    let text = String::from_utf8(super::error(&error).into_bytes().to_vec()).unwrap();
    assert!(!text.contains("marker"), "{text}");
    let body: Value = serde_json::from_str(&text).unwrap();
    for key in ["sender_id", "receiver_id", "content", "message_type", "timestamp"] {
        assert!(body.get(key).is_none());
    }
    assert!(text.to_lowercase().contains("error"));
}

fn viewer(user: i32) -> Viewer {
    Viewer { user: UserId(user) }
}

fn stored(sender_copy: &str, receiver_copy: &str) -> Message {
    Message {
        id: MessageId(1),
        seq: Seq(1),
        conversation_id: ConversationId(1),
        sender: UserId(1),
        receiver: UserId(2),
        sender_copy: sender_copy.to_owned(),
        receiver_copy: receiver_copy.to_owned(),
        message_type: TEXT.to_owned(),
        timestamp: Timestamp::from_micros(0),
        client_id: None,
        reply_to: None,
        expires_at: None,
        franking_tag: None,
        attachments: Vec::new(),
    }
}

#[test]
fn messages_have_exactly_five_keys_and_the_right_copy() {
    let frame = |user| message(&stored("mine", "theirs"), viewer(user)).unwrap().into_bytes();
    let body: Value = serde_json::from_slice(&frame(1)).unwrap();
    let expected = json!({"sender_id": 1, "receiver_id": 2, "content": "mine", "message_type": "text",
        "timestamp": "1970-01-01T00:00:00.000000Z"});
    assert_eq!(body, expected);
    let body: Value = serde_json::from_slice(&frame(2)).unwrap();
    assert_eq!(body["content"], "theirs");
    let other = Message { message_type: "image".to_owned(), ..stored("a", "b") };
    assert!(message(&other, viewer(1)).is_none());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn what_is_sent_is_what_arrives(r in ".{1,200}", s in ".{1,200}", to in 1..i32::MAX) {
        let frame = json!({"receiverID": to, "receiver_encrypted": r, "sender_encrypted": s, "messageType": "text"});
        let draft = drafted(decode(&frame.to_string(), UserId(1), 10_000).unwrap());
        let message = stored(&draft.sender_copy.into_string(), &draft.receiver_copy.into_string());
        for (user, copy) in [(1, s), (2, r)] {
            let frame = super::message(&message, viewer(user)).unwrap();
            let body: Value = serde_json::from_slice(&frame.into_bytes()).unwrap();
            prop_assert_eq!(body["content"].as_str(), Some(copy.as_str()));
        }
    }
}
