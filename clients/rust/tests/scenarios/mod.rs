//! What happens in each trace.

use std::time::Duration;

use fluent_client::{DeleteFor, Draft, Event, Refreshed, Refusal};
use serde_json::{Value, json};

use crate::{Beginning, Trace};

const ME: i64 = 1;
const PARTNER: i64 = 2;

fn beginning(cursor: Option<&str>, outbox: &[&str]) -> Beginning {
    Beginning {
        user_id: ME,
        watch: vec![PARTNER],
        cursor: cursor.map(|text| text.parse().unwrap()),
        outbox: outbox.iter().map(|client_id| draft(client_id)).collect(),
    }
}

fn draft(client_id: &str) -> Draft {
    Draft {
        client_id: client_id.to_owned(),
        to: PARTNER,
        receiver_encrypted: format!("{client_id} for 2"),
        sender_encrypted: format!("{client_id} for 1"),
        kind: "text".to_owned(),
        receiver_key_id: Some("d9cae0dbdbf078b2".to_owned()),
        franking_tag: None,
        attachment_ids: Vec::new(),
    }
}

fn written(client_id: &str) -> Event {
    Event::Written(draft(client_id))
}

fn received(frame: &Value) -> Event {
    Event::Received(frame.to_string())
}

fn hello(cursor: &str) -> Event {
    received(&json!({"type": "hello", "user_id": ME, "device_id": "pixel", "cursor": cursor,
        "server_time": "2026-11-22T15:00:00.000000Z",
        "limits": {"frame_bytes": 262_144, "ciphertext_bytes": 98_304, "in_flight": 64, "heartbeat_s": 25}}))
}

fn live(cursor: &str) -> Event {
    received(&json!({"type": "live", "cursor": cursor}))
}

fn reset(reason: &str, cursor: &str) -> Event {
    received(&json!({"type": "reset", "reason": reason, "cursor": cursor}))
}

fn message(seq: u64, sender: i64, client_id: Option<&str>) -> Event {
    let mut frame = json!({"type": "message", "seq": seq, "id": seq * 10, "conversation_id": 4, "sender_id": sender,
        "receiver_id": ME + PARTNER - sender, "content": "Zm9yIDc=", "message_type": "text",
        "timestamp": "2026-11-22T15:00:02.418305Z"});
    if let Some(client_id) = client_id {
        frame["client_id"] = client_id.into();
    }
    received(&frame)
}

fn stored(client_id: &str, seq: u64, duplicate: bool) -> Event {
    received(&json!({"type": "stored", "client_id": client_id, "conversation_id": 4, "id": seq * 10, "seq": seq,
        "timestamp": "2026-11-22T15:00:03.000000Z", "duplicate": duplicate}))
}

fn error(client_id: &str, code: &str, retry_after_ms: Option<u64>) -> Event {
    let mut frame = json!({"type": "error", "code": code, "message": "no", "retryable": retry_after_ms.is_some(),
        "client_id": client_id});
    if let Some(ms) = retry_after_ms {
        frame["retry_after_ms"] = ms.into();
    }
    received(&frame)
}

fn closed(code: impl Into<Option<u16>>, reason: &str) -> Event {
    Event::Closed { code: code.into(), reason: reason.to_owned(), held: Duration::from_secs(5) }
}

/// A client that resumes at `e:5`, live.
fn resumed(events: impl IntoIterator<Item = Event>) -> Vec<Event> {
    [Event::Start, hello("e:5"), live("e:5")].into_iter().chain(events).collect()
}

/// All traces with the names of their files.
pub(crate) fn all() -> Vec<(&'static str, Trace)> {
    [opening(), sending(), connection(), passing()].into_iter().flatten().collect()
}

fn opening() -> Vec<(&'static str, Trace)> {
    let resuming = beginning(Some("e:5"), &[]);
    vec![
        (
            "new_device",
            Trace::record(
                "A device without a cursor loads history before it saves one.",
                beginning(None, &[]),
                [Event::Start, hello("e:5"), live("e:5"), message(6, PARTNER, None), Event::Reloaded(1)],
            ),
        ),
        (
            "resume",
            Trace::record(
                "A device that returns keeps what it missed, then saves the cursor, then says delivered.",
                resuming.clone(),
                [
                    Event::Start,
                    hello("e:5"),
                    message(6, PARTNER, None),
                    message(8, PARTNER, None),
                    live("e:9"),
                    message(11, PARTNER, None),
                ],
            ),
        ),
        (
            "reset",
            Trace::record(
                "A cursor that is not honoured: the device starts over, also when the socket ends before it is done.",
                resuming.clone(),
                [
                    Event::Start,
                    hello("f:8"),
                    reset("epoch", "f:8"),
                    live("f:8"),
                    closed(None, ""),
                    Event::Reloaded(1),
                    Event::PauseEnded,
                    hello("f:9"),
                    live("f:9"),
                    Event::NotReloaded(2),
                    Event::PauseEnded,
                    hello("f:9"),
                    live("f:9"),
                    Event::Reloaded(3),
                ],
            ),
        ),
        (
            "duplicates",
            Trace::record(
                "What comes again is not kept again, and an unknown event moves the cursor all the same.",
                resuming,
                resumed([
                    message(7, PARTNER, None),
                    message(7, PARTNER, None),
                    message(6, PARTNER, None),
                    received(&json!({"type": "poll_opened", "seq": 8, "topic": "tea"})),
                    Event::Received("no frame".to_owned()),
                ]),
            ),
        ),
    ]
}

fn sending() -> Vec<(&'static str, Trace)> {
    let resuming = beginning(Some("e:5"), &[]);
    let renewed = |old: &str, new: &str| Event::Renewed { client_id: old.to_owned(), draft: draft(new) };
    vec![
        (
            "send",
            Trace::record(
                "A message is saved before it is sent, and leaves the outbox when it is stored.",
                resuming.clone(),
                resumed([written("a"), written("b"), stored("a", 7, false), stored("b", 9, false)]),
            ),
        ),
        (
            "resend",
            Trace::record(
                "What has no answer is sent again on the next socket, but for what the replay shows as stored.",
                beginning(Some("e:5"), &["a", "b"]),
                resumed([
                    closed(None, ""),
                    written("c"),
                    Event::PauseEnded,
                    hello("e:5"),
                    message(6, ME, Some("a")),
                    live("e:6"),
                    stored("b", 4, true),
                    stored("c", 8, false),
                ]),
            ),
        ),
        (
            "refused_for_now",
            Trace::record(
                "A retryable error holds everything back, so that nothing overtakes what was refused.",
                resuming.clone(),
                resumed([
                    written("a"),
                    written("b"),
                    error("a", "rate_limited", Some(700)),
                    error("b", "rate_limited", Some(700)),
                    written("c"),
                    Event::SendingResumed,
                    stored("a", 7, false),
                ]),
            ),
        ),
        (
            "refused_for_good",
            Trace::record(
                "An error that is not retryable marks the message until the person gives it up.",
                resuming.clone(),
                resumed([
                    written("a"),
                    error("a", "blocked", None),
                    closed(None, ""),
                    Event::PauseEnded,
                    hello("e:5"),
                    live("e:5"),
                    Event::DiscardFailed,
                ]),
            ),
        ),
        (
            "stale_key",
            Trace::record(
                "A message for an old key is encrypted anew, in its old place.",
                resuming.clone(),
                resumed([
                    written("a"),
                    written("b"),
                    error("a", "stale_key", None),
                    error("b", "stale_key", None),
                    renewed("b", "d"),
                    renewed("a", "c"),
                    error("c", "stale_key", None),
                    Event::NotRenewed { client_id: "c".to_owned() },
                    Event::SendingResumed,
                    error("d", "stale_key", None),
                    Event::NotEncryptable { client_id: "d".to_owned(), why: "no key".to_owned() },
                ]),
            ),
        ),
        (
            "too_large",
            Trace::record(
                "A close with 1009 marks the largest message on its way.",
                resuming,
                resumed([written("a"), closed(1009, "frame too large")]),
            ),
        ),
    ]
}

fn connection() -> Vec<(&'static str, Trace)> {
    let resuming = beginning(Some("e:5"), &[]);
    let passing = |retry_after: Option<u64>| {
        Event::Refused(Refusal::Passing { retry_after: retry_after.map(Duration::from_secs) })
    };
    vec![
        (
            "backoff",
            Trace::record(
                "Waits double up to 60 s, and follow what the server asks for, until a connection has held.",
                resuming.clone(),
                [
                    Event::Start,
                    passing(None),
                    Event::PauseEnded,
                    passing(Some(7)),
                    Event::PauseEnded,
                    passing(None),
                    Event::PauseEnded,
                    passing(None),
                    Event::PauseEnded,
                    passing(None),
                    Event::PauseEnded,
                    passing(None),
                    Event::PauseEnded,
                    passing(None),
                    Event::PauseEnded,
                    hello("e:5"),
                    live("e:5"),
                    Event::Closed { code: Some(1012), reason: String::new(), held: Duration::from_mins(1) },
                ],
            ),
        ),
        (
            "restart",
            Trace::record(
                "After a restart the first five waits are below 4 s, and a long connection begins anew.",
                resuming.clone(),
                resumed([
                    closed(1012, "restart"),
                    Event::PauseEnded,
                    passing(None),
                    Event::PauseEnded,
                    passing(None),
                    Event::PauseEnded,
                    passing(None),
                    Event::PauseEnded,
                    passing(None),
                    Event::PauseEnded,
                    passing(None),
                    Event::PauseEnded,
                    hello("e:5"),
                    live("e:5"),
                    Event::Closed { code: None, reason: String::new(), held: Duration::from_mins(1) },
                ]),
            ),
        ),
        (
            "going_away",
            Trace::record(
                "After going_away nothing is sent, and the server says when to return.",
                resuming.clone(),
                resumed([
                    received(&json!({"type": "going_away", "reconnect_after_ms": 1500})),
                    written("a"),
                    closed(1012, "restart"),
                    Event::PauseEnded,
                    hello("e:5"),
                    live("e:5"),
                ]),
            ),
        ),
        (
            "refresh",
            Trace::record(
                "An expired token is refreshed once; a second refusal is for the person.",
                resuming.clone(),
                [
                    Event::Start,
                    Event::Refused(Refusal::Unauthorized("expired".to_owned())),
                    Event::Refreshed(Refreshed::Unreachable),
                    Event::PauseEnded,
                    Event::Refreshed(Refreshed::Done),
                    Event::Refused(Refusal::Unauthorized("revoked".to_owned())),
                ],
            ),
        ),
        (
            "signed_out",
            Trace::record(
                "A close with 4001 leads to a refresh, and its reason is what the person is told.",
                resuming.clone(),
                resumed([closed(4001, "password"), Event::Refreshed(Refreshed::Refused("unknown".to_owned()))]),
            ),
        ),
        ("replaced", Trace::record("A close with 4003 ends it.", resuming, resumed([closed(4003, "replaced")]))),
    ]
}

fn passing() -> Vec<(&'static str, Trace)> {
    let resuming = beginning(Some("e:5"), &[]);
    vec![
        (
            "read",
            Trace::record(
                "How far the person has read is said until it is answered.",
                resuming.clone(),
                resumed([
                    Event::Seen { partner: PARTNER, id: 70 },
                    closed(None, ""),
                    Event::PauseEnded,
                    hello("e:5"),
                    live("e:5"),
                    received(&json!({"type": "receipt", "ref": "read-2-70", "seq": 8, "kind": "read",
                        "conversation_id": 4, "user_id": ME, "partner_id": PARTNER, "up_to_id": 70,
                        "timestamp": "2026-11-22T15:00:35.900418Z"})),
                ]),
            ),
        ),
        (
            "typing_presence_delete",
            Trace::record(
                "What passes takes a connection.",
                resuming,
                [Event::Start, Event::Typing { to: PARTNER, active: true }]
                    .into_iter()
                    .chain([Event::Delete { id: 70, scope: DeleteFor::Me }, hello("e:5"), live("e:5")])
                    .chain([
                        Event::Typing { to: PARTNER, active: true },
                        Event::Delete { id: 70, scope: DeleteFor::Everyone },
                        received(&json!({"type": "deleted", "ref": "delete-70", "seq": 9, "id": 70,
                            "conversation_id": 4, "partner_id": PARTNER, "for": "everyone", "by": ME,
                            "reason": "user"})),
                        received(&json!({"type": "presence", "user_id": PARTNER, "status": "offline",
                            "last_seen": "2026-11-22T15:00:00.000000Z"})),
                        received(&json!({"type": "typing", "user_id": PARTNER, "conversation_id": 4,
                            "active": true})),
                    ]),
            ),
        ),
    ]
}
