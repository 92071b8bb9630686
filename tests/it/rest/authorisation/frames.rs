//! What a stranger tries by frames.

use serde_json::{Value, json};

use super::World;

/// A frame, and what its answers must be.
pub(super) struct Row {
    pub(super) frame: Value,
    pub(super) check: fn(&[Value], &str),
    /// Recognises the last answer, where it comes from elsewhere than that to a `ping`.
    pub(super) answered: Option<fn(&Value) -> bool>,
}

fn nothing(answers: &[Value], of: &str) {
    assert!(answers.is_empty(), "{of}: {answers:?}");
}

fn not_found(answers: &[Value], of: &str) {
    let codes: Vec<_> = answers.iter().map(|answer| answer["code"].as_str().unwrap_or_default()).collect();
    assert_eq!(codes, ["not_found"], "{of}: {answers:?}");
}

/// Nobody is shown as online, or as of when, but the last one: the partner, who was asked for last.
fn only_the_partner_is_online(answers: &[Value], of: &str) {
    let tells = |answer: &Value| answer["status"] == "online" || !answer["last_seen"].is_null();
    let (last, others) = answers.split_last().unwrap();
    assert!(tells(last) && !others.iter().any(tells), "{of}: {answers:?}");
}

fn pong(answers: &[Value], of: &str) {
    assert!(answers.len() == 1 && answers[0]["type"] == "pong", "{of}: {answers:?}");
}

/// `partner` is the stranger's own.
pub(super) fn rows(world: &World, partner: i32) -> Vec<Row> {
    let (bob, carol, message) = (world.bob.id, world.carol.id, world.message);
    let row = |frame: Value, check: fn(&[Value], &str)| Row { frame, check, answered: None };
    vec![
        row(
            json!({
                "type": "send", "client_id": "reply", "to": bob, "receiver_encrypted": "x", "sender_encrypted": "x",
                "message_type": "text", "reply_to": message,
            }),
            not_found,
        ),
        row(json!({"type": "read", "partner_id": bob, "up_to_id": message}), nothing_or_not_found),
        row(json!({"type": "read", "partner_id": carol, "up_to_id": message + 100}), nothing_or_not_found),
        row(json!({"type": "delivered", "up_to_seq": 1_000_000}), nothing),
        row(json!({"type": "delete", "id": message, "for": "me"}), not_found),
        row(json!({"type": "delete", "id": message, "for": "everyone"}), not_found),
        row(json!({"type": "typing", "to": bob, "active": true}), nothing),
        Row {
            frame: json!({"type": "presence", "watch": [bob, carol, 999_999, partner]}),
            check: only_the_partner_is_online,
            answered: Some(|answer| answer["status"] == "online"),
        },
        row(json!({"type": "ping", "user_id": bob}), pong),
    ]
}

/// Whoever has no conversation has nothing to read there.
fn nothing_or_not_found(answers: &[Value], of: &str) {
    if !answers.is_empty() {
        not_found(answers, of);
    }
}
