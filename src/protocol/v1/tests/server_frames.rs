//! Tests that a strict client reads what the server writes: the same values, and no further field.

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use super::encode::{CODES, encode, report_token};
use super::strict::{Strict, StrictAttachment, StrictLimits};
use super::written::any_ref;
use crate::domain::{MediaId, Timestamp};
use crate::protocol::ErrorCode;
use crate::protocol::v1::SERVER_FRAMES;

const MAX_INTEGER: i64 = (1 << 53) - 1;

fn number() -> std::ops::RangeInclusive<i64> {
    1..=MAX_INTEGER
}

fn user() -> std::ops::RangeInclusive<i32> {
    1..=i32::MAX
}

fn time() -> impl Strategy<Value = String> {
    (0..4_102_444_800_000_000_i64).prop_map(|micros| Timestamp::from_micros(micros).to_string())
}

fn minute() -> impl Strategy<Value = String> {
    (0..68_374_080_i64).prop_map(|minute| Timestamp::from_micros(minute * 60_000_000).to_string())
}

fn cursor() -> impl Strategy<Value = String> {
    ("[A-Za-z0-9_-]{1,32}", 0..=MAX_INTEGER).prop_map(|(epoch, seq)| format!("{epoch}:{seq}"))
}

fn client_id() -> impl Strategy<Value = Option<String>> {
    prop::option::of("[A-Za-z0-9._:-]{1,64}")
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(words).prop_map(str::to_owned)
}

fn flagged() -> impl Strategy<Value = Option<bool>> {
    prop::option::of(Just(true))
}

/// Frames of the socket itself and signals.
fn signal() -> impl Strategy<Value = Strict> {
    let limits = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u64>()).prop_map(|(frame, copy, in_flight, beat)| {
        StrictLimits {
            frame_bytes: frame as usize,
            ciphertext_bytes: copy as usize,
            in_flight: in_flight as usize,
            heartbeat_s: beat,
            media_bytes: beat.is_multiple_of(2).then_some(beat),
            attachments: beat.is_multiple_of(2).then_some(copy as usize),
        }
    });
    prop_oneof![
        (user(), "[A-Za-z0-9_-]{1,64}", cursor(), time(), limits).prop_map(
            |(user_id, device_id, cursor, server_time, limits)| {
                Strict::Hello { user_id, device_id, cursor, server_time, limits }
            }
        ),
        cursor().prop_map(|cursor| Strict::Live { cursor }),
        (word(&["epoch", "future", "expired"]), cursor()).prop_map(|(reason, cursor)| Strict::Reset { reason, cursor }),
        any_ref().prop_map(|r#ref| Strict::Pong { r#ref }),
        any::<u64>().prop_map(|reconnect_after_ms| Strict::GoingAway { reconnect_after_ms }),
        (number(), user(), any::<bool>()).prop_map(|(conversation_id, user_id, active)| Strict::Typing {
            conversation_id,
            user_id,
            active
        }),
        user().prop_map(|user_id| Strict::Presence { user_id, status: "online".to_owned(), last_seen: None }),
        (user(), prop::option::of(minute())).prop_map(|(user_id, last_seen)| Strict::Presence {
            user_id,
            status: "offline".to_owned(),
            last_seen
        }),
    ]
}

/// Events that only have a few fields.
fn small_event() -> impl Strategy<Value = Strict> {
    prop_oneof![
        (number(), time()).prop_map(|(seq, timestamp)| Strict::DeletedBefore { seq, timestamp }),
        (number(), user(), any::<String>()).prop_map(|(seq, user_id, key_id)| Strict::KeyChanged {
            seq,
            user_id,
            key_id
        }),
        (number(), user()).prop_map(|(seq, user_id)| Strict::UserDeleted { seq, user_id }),
        (number(), user(), any::<bool>()).prop_map(|(seq, user_id, blocked)| Strict::Block { seq, user_id, blocked }),
    ]
}

fn attachment((id, size): ([u8; 16], u64)) -> StrictAttachment {
    let id = MediaId(id).to_string();
    StrictAttachment { file_url: format!("/media/{id}"), id, size }
}

fn message() -> impl Strategy<Value = Strict> {
    let tag = "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]";
    let files = prop::collection::vec((any::<[u8; 16]>(), any::<u64>()).prop_map(attachment), 1..4);
    let options = (
        client_id(),
        prop::option::of(number()),
        prop::option::of(time()),
        prop::option::of(tag),
        prop::option::of(files),
    );
    (number(), number(), user(), user(), any::<String>(), "[a-z0-9][a-z0-9._-]{0,31}", time(), options).prop_map(
        |(seq, conversation_id, sender_id, receiver_id, content, message_type, timestamp, options)| {
            let (client_id, reply_to, expires_at, franking_tag, attachments) = options;
            let mut frame = Strict::Message {
                seq,
                id: seq,
                conversation_id,
                sender_id,
                receiver_id,
                content,
                message_type,
                timestamp,
                client_id,
                reply_to,
                expires_at,
                franking_tag,
                report_token: None,
                attachments,
            };
            let token = report_token(&frame);
            if let Strict::Message { report_token, .. } = &mut frame {
                *report_token = token;
            }
            frame
        },
    )
}

fn stored() -> impl Strategy<Value = Strict> {
    (client_id(), number(), number(), time(), any::<bool>(), any_ref()).prop_map(
        |(client_id, conversation_id, id, timestamp, duplicate, r#ref)| Strict::Stored {
            client_id,
            conversation_id,
            id,
            seq: id,
            timestamp,
            duplicate,
            r#ref,
        },
    )
}

fn receipt() -> impl Strategy<Value = Strict> {
    let moved = (number(), word(&["delivered", "read"]), number(), time(), flagged())
        .prop_map(|(seq, kind, up_to, time, duplicate)| (Some(seq), kind, up_to, Some(time), duplicate));
    let nothing = Just((None, "read".to_owned(), 0, None, Some(true)));
    (prop_oneof![3 => moved, 1 => nothing], number(), user(), user(), any_ref()).prop_map(
        |((seq, kind, up_to_id, timestamp, duplicate), conversation_id, user_id, partner_id, r#ref)| Strict::Receipt {
            seq,
            kind,
            conversation_id,
            user_id,
            partner_id,
            up_to_id,
            timestamp,
            duplicate,
            r#ref,
        },
    )
}

fn deleted() -> impl Strategy<Value = Strict> {
    let scope = word(&["me", "everyone"]);
    (number(), number(), number(), user(), scope, prop::option::of(user()), flagged(), any_ref()).prop_map(
        |(seq, id, conversation_id, partner_id, r#for, by, duplicate, r#ref)| Strict::Deleted {
            seq,
            id,
            conversation_id,
            partner_id,
            r#for,
            by,
            reason: if by.is_some() { "user" } else { "expired" }.to_owned(),
            duplicate,
            r#ref,
        },
    )
}

fn error() -> impl Strategy<Value = Strict> {
    // limiter, id, timestamp, key_id, attachment_id.
    let detail = prop_oneof![
        Just((None, None, None, None, None)),
        Just((Some("send".to_owned()), None, None, None, None)),
        (number(), time()).prop_map(|(id, time)| (None, Some(id), Some(time), None, None)),
        any::<String>().prop_map(|key| (None, None, None, Some(key), None)),
        any::<String>().prop_map(|id| (None, None, None, None, Some(id))),
    ];
    let wait = prop::option::of(any::<u64>());
    (prop::sample::select(&CODES[..]), any::<String>(), any_ref(), client_id(), wait, detail).prop_map(
        |(code, message, r#ref, client_id, retry_after_ms, (limiter, id, timestamp, key_id, attachment_id))| {
            Strict::Error {
                code: code.as_str().to_owned(),
                message,
                retryable: matches!(code, ErrorCode::RateLimited | ErrorCode::Unavailable),
                r#ref,
                client_id,
                limiter,
                retry_after_ms,
                id,
                seq: id,
                timestamp,
                key_id,
                attachment_id,
            }
        },
    )
}

fn any_frame() -> impl Strategy<Value = Strict> {
    prop_oneof![
        4 => signal(),
        2 => small_event(),
        1 => message(),
        1 => stored(),
        2 => receipt(),
        2 => deleted(),
        2 => error(),
    ]
}

#[test]
fn every_type_is_tried() {
    let mut runner = TestRunner::deterministic();
    let tried: HashSet<String> = (0..2000)
        .map(|_| encode(any_frame().new_tree(&mut runner).unwrap().current()).into_bytes())
        .map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(tried, SERVER_FRAMES.into_iter().map(str::to_owned).collect());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn frames_round_trip(frame in any_frame()) {
        let bytes = encode(frame.clone()).into_bytes();
        let type_first = bytes.starts_with(br#"{"type":""#);
        prop_assert!(type_first);
        prop_assert_eq!(serde_json::from_slice::<Strict>(&bytes).unwrap(), frame);
        // Absent values are left out; only `by` of a deletion may be null.
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        let null = value.as_object().unwrap().iter().filter(|(_, value)| value.is_null()).map(|(name, _)| name);
        prop_assert!(null.eq(Some("by").filter(|by| value.get(by).is_some_and(Value::is_null))));
        prop_assert_eq!(value.get("by").is_some(), value["type"] == "deleted");
    }
}
