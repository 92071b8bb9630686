use super::*;
use crate::domain::{ClientId, Deletion, Epoch, Message, Receipt, Scope, Seq, Settings, Stored};
use crate::protocol::ErrorCode;

/// 2026-11-22T15:00:00Z.
const TIME: i64 = 1_795_359_600_000_000;

fn text(frame: Frame) -> String {
    String::from_utf8(frame.into_bytes().to_vec()).unwrap()
}

fn time() -> Timestamp {
    Timestamp::from_micros(TIME)
}

fn cursor() -> Cursor {
    Cursor { epoch: Epoch::parse("k3f9").unwrap(), seq: Seq(812) }
}

fn reference() -> Reference {
    Reference::text("r\"1").unwrap()
}

fn tokens() -> ReportTokens {
    ReportTokens::new(&[0; 32]).unwrap()
}

const SEVEN: Viewer = Viewer { user: UserId(7) };

fn message_of(sender: i32, receiver: i32) -> Message {
    Message {
        id: MessageId(813),
        seq: Seq(813),
        conversation_id: ConversationId(4),
        sender: UserId(sender),
        receiver: UserId(receiver),
        sender_copy: "mine".to_owned(),
        receiver_copy: if sender == receiver { String::new() } else { "theirs".to_owned() },
        message_type: "text".to_owned(),
        timestamp: time(),
        client_id: Some("c-1".to_owned()),
        reply_to: None,
        expires_at: None,
        franking_tag: None,
        attachments: Vec::new(),
    }
}

fn shown(message: Message, viewer: i32) -> String {
    let event =
        event(&Event { seq: Seq(813), body: EventBody::Message(message) }, Viewer { user: UserId(viewer) }, &tokens());
    text(event)
}

fn receipt() -> Receipt {
    Receipt {
        seq: Seq(818),
        kind: ReceiptKind::Read,
        conversation_id: ConversationId(4),
        user: UserId(7),
        partner: UserId(9),
        up_to: MessageId(813),
        timestamp: time(),
    }
}

fn deletion() -> Deletion {
    Deletion {
        seq: Seq(822),
        id: MessageId(813),
        conversation_id: ConversationId(4),
        sender: UserId(7),
        receiver: UserId(9),
        scope: Scope::Everyone,
        by: Some(UserId(7)),
    }
}

fn told(seq: i64, body: EventBody) -> String {
    text(event(&Event { seq: Seq(seq), body }, SEVEN, &tokens()))
}

#[test]
fn the_socket() {
    let media = Some(MediaLimits { bytes: 104_857_600, per_message: 10 });
    let limits = Limits { frame_bytes: 262_144, ciphertext_bytes: 98_304, in_flight: 64, heartbeat_s: 25, media };
    let device = DeviceId::parse("pixel").unwrap();
    let opened = Hello { user: UserId(7), device: &device, cursor: &cursor(), server_time: time(), limits };
    assert_eq!(
        text(hello(&opened)),
        r#"{"type":"hello","user_id":7,"device_id":"pixel","cursor":"k3f9:812","server_time":"2026-11-22T15:00:00.000000Z","limits":{"frame_bytes":262144,"ciphertext_bytes":98304,"in_flight":64,"heartbeat_s":25,"media_bytes":104857600,"attachments":10}}"#
    );
    assert_eq!(text(live(&cursor())), r#"{"type":"live","cursor":"k3f9:812"}"#);
    for (reason, word) in
        [(ResetReason::Epoch, "epoch"), (ResetReason::Future, "future"), (ResetReason::Expired, "expired")]
    {
        assert_eq!(
            text(reset(reason, &cursor())),
            format!(r#"{{"type":"reset","reason":"{word}","cursor":"k3f9:812"}}"#)
        );
    }
    assert_eq!(text(pong(None)), r#"{"type":"pong"}"#);
    assert_eq!(text(pong(Some(&reference()))), r#"{"type":"pong","ref":"r\"1"}"#);
    assert_eq!(text(pong(Reference::integer(-5).as_ref())), r#"{"type":"pong","ref":-5}"#);
    assert_eq!(text(going_away(2300)), r#"{"type":"going_away","reconnect_after_ms":2300}"#);
}

#[test]
fn messages_show_each_side_its_own() {
    let expected = r#"{"type":"message","seq":813,"id":813,"conversation_id":4,"sender_id":7,"receiver_id":9,"content":"theirs","message_type":"text","timestamp":"2026-11-22T15:00:00.000000Z","report_token":"AfTuEp4gOoIO4JQVCP7o4Y0"}"#;
    // Another program has made the token, from the text at `franking::bytes`.
    assert_eq!(shown(message_of(7, 9), 9), expected);
    let full = Message { reply_to: Some(MessageId(5)), expires_at: Some(time()), ..message_of(7, 9) };
    assert_eq!(
        shown(full, 7),
        r#"{"type":"message","seq":813,"id":813,"conversation_id":4,"sender_id":7,"receiver_id":9,"content":"mine","message_type":"text","timestamp":"2026-11-22T15:00:00.000000Z","client_id":"c-1","reply_to":5,"expires_at":"2026-11-22T15:00:00.000000Z"}"#
    );
    let own = shown(message_of(7, 7), 7);
    assert!(own.contains(r#""content":"mine""#) && own.contains(r#""client_id":"c-1""#), "{own}");
}

#[test]
fn stored() {
    let stored = Stored {
        client_id: ClientId::parse("c-1"),
        conversation_id: ConversationId(4),
        id: MessageId(813),
        seq: Seq(813),
        timestamp: time(),
        duplicate: false,
    };
    let told = |stored: &Stored, reference: Option<Reference>| {
        text(answer(&Answer::Stored(stored.clone()), SEVEN, reference.as_ref()).unwrap())
    };
    assert_eq!(
        told(&stored, Some(reference())),
        r#"{"type":"stored","client_id":"c-1","conversation_id":4,"id":813,"seq":813,"timestamp":"2026-11-22T15:00:00.000000Z","duplicate":false,"ref":"r\"1"}"#
    );
    assert_eq!(
        told(&Stored { client_id: None, duplicate: true, ..stored }, None),
        r#"{"type":"stored","conversation_id":4,"id":813,"seq":813,"timestamp":"2026-11-22T15:00:00.000000Z","duplicate":true}"#
    );
}

#[test]
fn receipts() {
    let expected = r#"{"type":"receipt","seq":818,"kind":"read","conversation_id":4,"user_id":7,"partner_id":9,"up_to_id":813,"timestamp":"2026-11-22T15:00:00.000000Z""#;
    assert_eq!(told(818, EventBody::Receipt(receipt())), format!("{expected}}}"));
    let answered =
        |duplicate| text(answer(&Answer::Read { receipt: receipt(), duplicate }, SEVEN, Some(&reference())).unwrap());
    assert_eq!(answered(false), format!(r#"{expected},"ref":"r\"1"}}"#));
    assert_eq!(answered(true), format!(r#"{expected},"duplicate":true,"ref":"r\"1"}}"#));
    let delivered = told(818, EventBody::Receipt(Receipt { kind: ReceiptKind::Delivered, ..receipt() }));
    assert!(delivered.contains(r#""kind":"delivered""#));
    let nothing = Answer::NothingRead { conversation_id: ConversationId(4), user: UserId(7), partner: UserId(9) };
    assert_eq!(
        text(answer(&nothing, SEVEN, Reference::integer(3).as_ref()).unwrap()),
        r#"{"type":"receipt","kind":"read","conversation_id":4,"user_id":7,"partner_id":9,"up_to_id":0,"duplicate":true,"ref":3}"#
    );
}

#[test]
fn deletions() {
    let expected = r#"{"type":"deleted","seq":822,"id":813,"conversation_id":4,"partner_id":9,"for":"everyone","by":7,"reason":"user""#;
    assert_eq!(told(822, EventBody::Deleted(deletion())), format!("{expected}}}"));
    let duplicate = Answer::Deleted { deletion: deletion(), duplicate: true };
    assert_eq!(
        text(answer(&duplicate, SEVEN, Some(&reference())).unwrap()),
        format!(r#"{expected},"duplicate":true,"ref":"r\"1"}}"#)
    );
    let first = Answer::Deleted { deletion: deletion(), duplicate: false };
    assert_eq!(text(answer(&first, SEVEN, None).unwrap()), format!("{expected}}}"));
    let other_side = text(event(
        &Event { seq: Seq(822), body: EventBody::Deleted(deletion()) },
        Viewer { user: UserId(9) },
        &tokens(),
    ));
    assert!(other_side.contains(r#""partner_id":7"#), "{other_side}");
    let expired = told(822, EventBody::Deleted(Deletion { by: None, scope: Scope::Me, ..deletion() }));
    assert!(expired.contains(r#""for":"me","by":null,"reason":"expired""#), "{expired}");
}

#[test]
fn other_events() {
    assert_eq!(
        told(826, EventBody::DeletedBefore(time())),
        r#"{"type":"deleted_before","seq":826,"timestamp":"2026-11-22T15:00:00.000000Z"}"#
    );
    assert_eq!(
        told(827, EventBody::KeyChanged { user: UserId(9), key_id: "d783".to_owned() }),
        r#"{"type":"key_changed","seq":827,"user_id":9,"key_id":"d783"}"#
    );
    assert_eq!(told(828, EventBody::UserDeleted(UserId(9))), r#"{"type":"user_deleted","seq":828,"user_id":9}"#);
    assert_eq!(
        told(829, EventBody::Block { user: UserId(9), blocked: true }),
        r#"{"type":"block","seq":829,"user_id":9,"blocked":true}"#
    );
}

#[test]
fn what_is_not_told_on_the_socket() {
    let settings = Settings { presence: true, read_receipts: true };
    for quiet in [Answer::Done, Answer::KeySet { key_id: String::new() }, Answer::Configured(settings)] {
        assert_eq!(answer(&quiet, SEVEN, Some(&reference())), None);
    }
}

#[test]
fn signals() {
    assert_eq!(
        text(typing(ConversationId(4), UserId(9), true)),
        r#"{"type":"typing","conversation_id":4,"user_id":9,"active":true}"#
    );
    assert_eq!(text(presence(UserId(9), Status::Online)), r#"{"type":"presence","user_id":9,"status":"online"}"#);
    assert_eq!(
        text(presence(UserId(9), Status::Offline { last_seen: None })),
        r#"{"type":"presence","user_id":9,"status":"offline"}"#
    );
    for (micros, minute) in [
        (TIME, "2026-11-22T15:00"),
        (TIME + 59_999_999, "2026-11-22T15:00"),
        (TIME - 1, "2026-11-22T14:59"),
        (-1, "1969-12-31T23:59"),
    ] {
        let last_seen = Some(Timestamp::from_micros(micros));
        assert_eq!(
            text(presence(UserId(9), Status::Offline { last_seen })),
            format!(r#"{{"type":"presence","user_id":9,"status":"offline","last_seen":"{minute}:00.000000Z"}}"#)
        );
    }
}

#[test]
fn errors_tell_what_their_code_promises() {
    let context = Context { reference: Some(reference()), client_id: ClientId::parse("c-1") };
    let with = |detail| FrameError { detail, retry_after_ms: Some(5), ..FrameError::new(ErrorCode::BadJson, "m") };
    let start = r#"{"type":"error","code":"bad_json","message":"m","retryable":false"#;
    assert_eq!(text(error(&FrameError::new(ErrorCode::BadJson, "m"), &Context::default())), format!("{start}}}"));
    for (detail, rest) in [
        (Detail::None, r#","retry_after_ms":5}"#),
        (Detail::Limiter("send"), r#","limiter":"send","retry_after_ms":5}"#),
        (Detail::StaleKey { key_id: "k".to_owned() }, r#","retry_after_ms":5,"key_id":"k"}"#),
        (
            Detail::Conflict { id: MessageId(813), seq: Seq(813), timestamp: time() },
            r#","retry_after_ms":5,"id":813,"seq":813,"timestamp":"2026-11-22T15:00:00.000000Z"}"#,
        ),
    ] {
        assert_eq!(text(error(&with(detail), &context)), format!(r#"{start},"ref":"r\"1","client_id":"c-1"{rest}"#));
    }
    let busy = text(error(&FrameError::unavailable(1000), &Context::default()));
    assert!(busy.contains(r#""retryable":true,"retry_after_ms":1000"#), "{busy}");
}

/// A new frame does not compile here until it has a name, which then belongs in the list, the strict client's tests and
/// the document.
#[test]
fn the_list_has_every_frame() {
    fn name(body: &Body<'_>) -> &'static str {
        match body {
            Body::Hello { .. } => "hello",
            Body::Stored { .. } => "stored",
            Body::Message { .. } => "message",
            Body::Receipt { .. } => "receipt",
            Body::Deleted { .. } => "deleted",
            Body::DeletedBefore { .. } => "deleted_before",
            Body::KeyChanged { .. } => "key_changed",
            Body::UserDeleted { .. } => "user_deleted",
            Body::Block { .. } => "block",
            Body::Typing { .. } => "typing",
            Body::Presence { .. } => "presence",
            Body::Live { .. } => "live",
            Body::Reset { .. } => "reset",
            Body::Pong { .. } => "pong",
            Body::GoingAway { .. } => "going_away",
            Body::Error { .. } => "error",
        }
    }
    let body = Body::GoingAway { reconnect_after_ms: 1 };
    assert!(text(Frame::json(&body)).contains(name(&body)));
    assert!(SERVER_FRAMES.contains(&name(&body)));
}
