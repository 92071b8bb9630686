use serde_json::{Value, json};

use super::*;
use crate::domain::{ClientId, DirectKey};
use crate::protocol::v1::Reference;
use crate::protocol::v1::tests::limits;

fn read(text: &str) -> Decoded {
    decode(text, UserId(1), limits(100))
}

fn request(value: &Value) -> Request {
    read(&value.to_string()).request.unwrap_or_else(|error| panic!("{value}: {error}"))
}

/// Returns the error with which a frame is refused.
fn refusal(text: &str) -> FrameError {
    match read(text).request {
        Err(error) => error,
        Ok(request) => panic!("{text} is read as {request:?}"),
    }
}

fn code(text: &str) -> ErrorCode {
    refusal(text).code
}

/// One good frame of each type.
fn good() -> [Value; 7] {
    [
        json!({"type": "send", "client_id": "c", "to": 2, "receiver_encrypted": "r", "sender_encrypted": "s",
            "message_type": "text"}),
        json!({"type": "delivered", "up_to_seq": 5}),
        json!({"type": "read", "partner_id": 2, "up_to_id": 5}),
        json!({"type": "delete", "id": 5, "for": "me"}),
        json!({"type": "typing", "to": 2, "active": true}),
        json!({"type": "presence", "watch": [2]}),
        json!({"type": "ping"}),
    ]
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn what_is_no_json_is_told_from_what_is_no_frame() {
    for text in
        ["", "nonsense", "{", "[1,2", "{}{}", "[] x", "{\"type\":}", "{\"type\":\"ping\",}", "{1:2}", "\"\\ud800\""]
    {
        assert_eq!(code(text), ErrorCode::BadJson, "{text}");
    }
    for text in ["[]", "[{}]", "null", "7", "-7", "7.5", "true", "\"ping\"", "{}", " {} "] {
        assert_eq!(code(text), ErrorCode::BadFrame, "{text}");
    }
    for text in [r#"{"type":null}"#, r#"{"type":7}"#, r#"{"type":["ping"]}"#, r#"{"type":"ping","type":"ping"}"#] {
        assert_eq!(code(text), ErrorCode::BadFrame, "{text}");
    }
    for text in [r#"{"type":""}"#, r#"{"type":"Ping"}"#, r#"{"type":"stored"}"#] {
        assert_eq!(code(text), ErrorCode::UnknownType, "{text}");
    }
}

/// The conversation of user 1 with this one.
fn with(partner: i32) -> DirectKey {
    DirectKey::new(UserId(1), UserId(partner))
}

#[test]
fn each_type_is_read() {
    for (value, name) in good().iter().zip(CLIENT_FRAMES) {
        assert_eq!(value["type"], name);
        request(value);
    }
    assert!(matches!(request(&good()[1]), Request::Command(Command::Delivered { user: UserId(1), up_to: Seq(5) })));
    assert!(matches!(
        request(&good()[2]),
        Request::Command(Command::Read { user: UserId(1), conversation, up_to: MessageId(5) })
            if conversation == with(2)
    ));
    assert!(matches!(
        request(&good()[3]),
        Request::Command(Command::Delete { user: UserId(1), id: MessageId(5), scope: Scope::Me })
    ));
    assert!(matches!(request(&good()[4]), Request::Typing { conversation, active: true } if conversation == with(2)));
    assert!(matches!(request(&good()[6]), Request::Ping));
}

#[test]
fn every_field_is_needed_once_and_in_its_form() {
    for value in good() {
        for key in value.as_object().unwrap().keys().filter(|&key| key != "type") {
            let mut without = value.clone();
            without.as_object_mut().unwrap().remove(key);
            let missing = refusal(&without.to_string());
            assert_eq!((missing.code, &*missing.message), (ErrorCode::BadFrame, &*format!("error: {key} is missing")));
            for wrong in [json!(null), json!({}), json!([[]]), json!("wrong form"), json!(2.0), json!(-1e3)] {
                // Any text may be a ciphertext.
                if key.ends_with("_encrypted") && wrong.is_string() {
                    continue;
                }
                let mut with = value.clone();
                with[key] = wrong.clone();
                let error = refusal(&with.to_string());
                assert_eq!(error.code, ErrorCode::BadFrame, "{with}");
                assert!(error.message.contains(key) && !error.message.contains("wrong form"), "{error}");
            }
            let twice = value.to_string().replacen('{', &format!("{{\"{key}\":{},", value[key]), 1);
            let error = refusal(&twice);
            assert_eq!((error.code, &*error.message), (ErrorCode::BadFrame, &*format!("error: {key} is there twice")));
        }
    }
}

#[test]
fn integers_have_bounds() {
    const TOO_MUCH: i64 = 1 << 53;
    for (key, value) in [("up_to_seq", &good()[1]), ("up_to_id", &good()[2]), ("id", &good()[3])] {
        let with = |number: Value| {
            let mut value = value.clone();
            value[key] = number;
            value.to_string()
        };
        for bad in [json!(-1), json!(TOO_MUCH), json!(u64::MAX), json!(i64::MIN), json!("5"), json!(true), json!(5.0)] {
            assert_eq!(code(&with(bad.clone())), ErrorCode::BadFrame, "{key} {bad}");
        }
        assert!(read(&with(json!(TOO_MUCH - 1))).request.is_ok());
        assert_eq!(read(&with(json!(0))).request.is_ok(), key != "id");
    }
    for text in ["-0", "5e0", "99999999999999999999", "0x5"] {
        assert!(read(&format!(r#"{{"type":"delivered","up_to_seq":{text}}}"#)).request.is_err(), "{text}");
    }
}

#[test]
fn numbers_that_are_nobody_are_read_as_nobody() {
    let nobody = [0, -1, i64::from(i32::MIN), i64::from(i32::MAX) + 1, i64::MIN, i64::MAX];
    for id in nobody {
        let read = request(&json!({"type": "read", "partner_id": id, "up_to_id": 0}));
        assert!(
            matches!(read, Request::Command(Command::Read { conversation, .. }) if conversation == with(0)),
            "{id}"
        );
        let typing = request(&json!({"type": "typing", "to": id, "active": false}));
        assert!(matches!(typing, Request::Typing { conversation, .. } if conversation == with(0)), "{id}");
    }
    let typing = request(&json!({"type": "typing", "to": i32::MAX, "active": false}));
    assert!(matches!(typing, Request::Typing { conversation, .. } if conversation == with(i32::MAX)));
}

#[test]
fn watched_users_are_bounded_and_unique() {
    let watch = |list: Value| match request(&json!({"type": "presence", "watch": list})) {
        Request::Watch { users } => users.into_iter().map(|user| user.0).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(watch(json!([])), [0_i32; 0]);
    assert_eq!(watch(json!([9, 2, 9, 0, -4, u64::MAX, i64::MIN, 2_147_483_648_i64, 2, i32::MAX])), [9, 2, i32::MAX]);
    assert_eq!(watch(json!((1..=256).collect::<Vec<_>>())).len(), 256);
    let too_many = json!({"type": "presence", "watch": vec![1; 257]});
    assert_eq!(code(&too_many.to_string()), ErrorCode::BadFrame);
    for bad in [json!([1, "2"]), json!([1, null]), json!([1.5]), json!([[1]]), json!({"0": 1}), json!(1)] {
        assert_eq!(code(&json!({"type": "presence", "watch": bad}).to_string()), ErrorCode::BadFrame, "{bad}");
    }
}

#[test]
fn references_are_repeated() {
    let longest = "ä".repeat(64);
    for reference in
        [json!(""), json!("p-1"), json!(longest), json!(0), json!(i64::MIN), json!(u64::MAX), json!("\u{0}")]
    {
        let decoded = read(&json!({"type": "ping", "ref": reference}).to_string());
        assert!(decoded.request.is_ok());
        assert_eq!(serde_json::to_value(decoded.context.reference).unwrap(), reference);
    }
    let absent = read(r#"{"type":"ping","ref":null}"#);
    assert!(absent.request.is_ok() && absent.context == Context::default());
    for bad in [json!("x".repeat(65)), json!(1.5), json!(true), json!([1]), json!({"a": 1})] {
        for kind in ["ping", "unheard of"] {
            let decoded = read(&json!({"type": kind, "ref": bad}).to_string());
            assert_eq!(decoded.request.unwrap_err().code, ErrorCode::BadFrame, "{bad}");
            assert_eq!(decoded.context, Context::default());
        }
    }
    assert_eq!(code(r#"{"type":"ping","ref":1,"ref":1}"#), ErrorCode::BadFrame);
    assert!(read(r#"{"type":"ping","ref":18446744073709551616}"#).request.is_err());
}

#[test]
fn bad_frames_keep_their_names() {
    let named = Context { reference: Reference::integer(7), client_id: ClientId::parse("c-1") };
    for text in [
        r#"{"type":"send","ref":7,"client_id":"c-1"}"#,
        r#"{"type":"send","ref":7,"client_id":"c-1","to":1,"to":1}"#,
        r#"{"type":"edit","ref":7,"client_id":"c-1"}"#,
        r#"{"ref":7,"client_id":"c-1"}"#,
        r#"{"type":["send"],"ref":7,"client_id":"c-1"}"#,
    ] {
        let decoded = read(text);
        assert!(decoded.request.is_err());
        assert_eq!(decoded.context, named, "{text}");
    }
    let context = |text: &str| read(text).context;
    assert_eq!(context(r#"{"type":"send","ref":1.5,"client_id":"c-1"}"#).client_id, named.client_id);
    assert_eq!(context(r#"{"type":"send","ref":7,"client_id":"c 1"}"#).reference, named.reference);
    assert_eq!(context(r#"{"type":"send","client_id":"a","client_id":"a"}"#).client_id, None);
    // In a frame other than `send` it is an unknown field.
    assert_eq!(context(r#"{"type":"ping","client_id":"c-1"}"#).client_id, None);
    assert!(read(r#"{"type":"ping","client_id":7}"#).request.is_ok());
}

#[test]
fn fields_of_other_frames_are_ignored() {
    for text in [
        r#"{"type":"ping","to":{"a":[1]},"to":2,"watch":"x","id":-1,"":null,"later":{"deep":[[]]}}"#,
        r#"{"watch":[1,{"x":[2]}],"\u0074ype":"p\u0069ng"}"#,
    ] {
        assert!(matches!(read(text).request, Ok(Request::Ping)), "{text}");
    }
}

#[test]
fn deep_and_large_frames_are_read_in_one_pass() {
    let deep = nested(200_000);
    assert_eq!(code(&deep), ErrorCode::BadFrame);
    assert_eq!(code(&deep[1..]), ErrorCode::BadJson);
    assert!(read(&format!(r#"{{"x":{deep},"type":"ping","id":{deep}}}"#)).request.is_ok());
    for text in [
        format!(r#"{{"type":{deep}}}"#),
        format!(r#"{{"type":"ping","ref":{deep}}}"#),
        format!(r#"{{"type":"presence","watch":{deep}}}"#),
        format!(r#"{{"type":"presence","watch":[{deep}]}}"#),
        format!(r#"{{"type":"presence","watch":[{}1]}}"#, "1,".repeat(1_000_000)),
        format!(r#"{{{}"type":"presence"}}"#, r#""watch":[1],"#.repeat(300_000)),
    ] {
        assert_eq!(code(&text), ErrorCode::BadFrame);
    }
}
