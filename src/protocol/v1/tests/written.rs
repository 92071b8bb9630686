//! Frames as a client writes them, from random values.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::domain::{Command, Draft, Objection, Scope, UserId};
use crate::protocol::Request;
use crate::protocol::v1::Reference;

/// Largest copy without an objection, in bytes.
pub(super) const LIMIT: usize = 40;
const MAX_INTEGER: i64 = (1 << 53) - 1;

/// The fields of a good frame, without absent optional ones.
pub(super) type Written = Vec<(&'static str, Value)>;

/// A good frame of any type.
pub(super) fn any_frame() -> impl Strategy<Value = Written> {
    let kind = |kind: &'static str| ("type", json!(kind));
    let number = 0..=MAX_INTEGER;
    prop_oneof![
        4 => send(),
        1 => number.clone().prop_map(move |seq| vec![kind("delivered"), ("up_to_seq", json!(seq))]),
        1 => (any::<i64>(), number)
            .prop_map(move |(who, id)| vec![kind("read"), ("partner_id", json!(who)), ("up_to_id", json!(id))]),
        1 => (1..=MAX_INTEGER, prop_oneof![Just("me"), Just("everyone")])
            .prop_map(move |(id, scope)| vec![kind("delete"), ("id", json!(id)), ("for", json!(scope))]),
        1 => (user(), any::<bool>())
            .prop_map(move |(to, active)| vec![kind("typing"), ("to", json!(to)), ("active", json!(active))]),
        1 => prop::collection::hash_set(1..=i32::MAX, 0..=256)
            .prop_map(move |watch| vec![kind("presence"), ("watch", json!(watch))]),
        1 => Just(vec![kind("ping")]),
    ]
}

/// Returns a user id, more often a possible one than an impossible one.
fn user() -> impl Strategy<Value = i64> {
    prop_oneof![3 => 1..=i64::from(i32::MAX), 1 => any::<i64>()]
}

fn optional(name: &'static str, value: impl Strategy<Value = Value>) -> impl Strategy<Value = Written> {
    prop::option::of(value).prop_map(move |value| value.map(|value| (name, value)).into_iter().collect())
}

fn send() -> impl Strategy<Value = Written> {
    let copy = || prop_oneof![".{1,30}", any::<String>().prop_filter("empty", |text| !text.is_empty())];
    let attachment = prop_oneof![any::<String>().prop_map(Value::from), any::<i64>().prop_map(Value::from)];
    let options = (
        optional("receiver_key_id", "[0-9a-f]{16}".prop_map(Value::from)),
        optional("reply_to", (1..=MAX_INTEGER).prop_map(Value::from)),
        optional("expires_in_s", (1..=31_536_000).prop_map(Value::from)),
        optional(
            "attachment_ids",
            prop::collection::vec(attachment, 1..4).prop_filter("twice", |ids| distinct(ids)).prop_map(Value::from),
        ),
        optional("franking_tag", "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]".prop_map(Value::from)),
    );
    (user(), copy(), copy(), "[a-z0-9][a-z0-9._-]{0,31}", "[A-Za-z0-9._:-]{1,64}", options).prop_map(
        |(to, receiver_copy, sender_copy, message_type, client_id, (key, reply, expiry, attachments, tag))| {
            let mut frame = vec![
                ("type", json!("send")),
                ("to", json!(to)),
                ("receiver_encrypted", json!(receiver_copy)),
                ("sender_encrypted", json!(sender_copy)),
                ("message_type", json!(message_type)),
                ("client_id", json!(client_id)),
            ];
            frame.extend([key, reply, expiry, attachments, tag].concat());
            frame
        },
    )
}

/// The id of a file as it is read: a number as its digits.
fn id_text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

fn distinct(ids: &[Value]) -> bool {
    let texts: std::collections::HashSet<String> = ids.iter().map(id_text).collect();
    texts.len() == ids.len()
}

/// A valid `ref`, or none.
pub(super) fn any_ref() -> impl Strategy<Value = Option<Value>> {
    prop::option::of(prop_oneof![
        "\\PC{0,64}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
    ])
}

/// Fields that no frame has, and nulls.
pub(super) fn any_extra() -> impl Strategy<Value = Vec<(String, Value)>> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!({"type": "send", "deep": [[{"ref": 1}], []]})),
    ];
    prop::collection::vec(("x[a-z]{0,6}", value), 0..4)
}

/// One object, in the order given.
pub(super) fn text(fields: &[(String, Value)]) -> String {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{}: {value}", json!(name))).collect();
    format!("{{ {} }}", fields.join(" ,\n"))
}

const USER: UserId = UserId(1);

/// What a request of user 1 says, as its fields would: the way back from what was read.
pub(super) fn said(request: Request) -> Value {
    match request {
        Request::Command(command) => said_by_command(command),
        Request::Typing { conversation, active } => {
            json!({"type": "typing", "to": conversation.partner_of(USER), "active": active})
        }
        Request::Watch { users } => json!({"type": "presence", "watch": users}),
        Request::Ping => json!({"type": "ping"}),
    }
}

fn said_by_command(command: Command) -> Value {
    match command {
        Command::Send(draft) => said_by(*draft),
        Command::Delivered { user: USER, up_to } => json!({"type": "delivered", "up_to_seq": up_to}),
        Command::Read { user: USER, conversation, up_to } => {
            json!({"type": "read", "partner_id": conversation.partner_of(USER), "up_to_id": up_to})
        }
        Command::Delete { user: USER, id, scope } => {
            let scope = match scope {
                Scope::Me => "me",
                Scope::Everyone => "everyone",
            };
            json!({"type": "delete", "id": id, "for": scope})
        }
        other => panic!("no frame says {other:?}"),
    }
}

fn said_by(draft: Draft) -> Value {
    let receiver = draft.receiver().map_or(0, |user| user.0);
    let mut value = json!({
        "type": "send",
        "client_id": draft.once.unwrap().client_id.as_str(),
        "to": receiver,
        "receiver_encrypted": draft.receiver_copy.into_string(),
        "sender_encrypted": draft.sender_copy.into_string(),
        "message_type": draft.message_type.as_str(),
    });
    for (name, option) in [
        ("receiver_key_id", draft.receiver_key_id.map(Value::from)),
        ("reply_to", draft.reply_to.map(|id| json!(id))),
        ("expires_in_s", draft.expires_in_s.map(Value::from)),
        ("franking_tag", draft.franking_tag.map(|tag| Value::from(tag.as_str()))),
        ("attachment_ids", Some(json!(draft.attachment_ids)).filter(|ids| *ids != json!([]))),
        ("objection", draft.objection.map(objected)),
    ] {
        if let Some(option) = option {
            value[name] = option;
        }
    }
    value
}

fn objected(objection: Objection) -> Value {
    match objection {
        Objection::TooLarge { limit } => json!(limit),
        Objection::Limited(limited) => json!(limited.to_string()),
    }
}

/// Returns what must be read from such a frame.
pub(super) fn meant(written: &Written) -> Value {
    let mut value: Value = written.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    for name in ["to", "partner_id"] {
        if value[name].as_i64().is_some_and(|id| !(1..=i64::from(i32::MAX)).contains(&id)) {
            value[name] = json!(0);
        }
    }
    // Indexing above has inserted nulls for absent fields.
    let fields = value.as_object_mut().unwrap();
    fields.retain(|_, value| !value.is_null());
    if let Some(ids) = fields.get_mut("attachment_ids") {
        *ids = ids.as_array().unwrap().iter().map(id_text).collect();
    }
    let size = |name| fields.get(name).and_then(Value::as_str).map_or(0, str::len);
    if size("receiver_encrypted").max(size("sender_encrypted")) > LIMIT {
        fields.insert("objection".to_owned(), objected(Objection::TooLarge { limit: LIMIT }));
    }
    value
}

/// A `ref` as it is echoed.
pub(super) fn echoed(reference: Option<&Reference>) -> Option<Value> {
    reference.map(|reference| serde_json::to_value(reference).unwrap())
}
