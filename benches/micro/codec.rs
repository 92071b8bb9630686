//! Frames in and out, of both dialects.

use std::hint::black_box;

use fluent_backend::domain::{
    Answer, ClientId, ConversationId, Event, EventBody, Message, MessageId, SendLimits, Seq, Stored, Timestamp, UserId,
    Viewer,
};
use fluent_backend::protocol::{legacy, v1};

use crate::{CIPHERTEXT, Part};

const ME: UserId = UserId(1);
const OTHER: UserId = UserId(2);
const CLIENT_ID: &str = "01939f3a-7d5c-7cc0-9a3e-1f0c6a2b4d5e";

pub(crate) fn parts() -> impl Iterator<Item = Part> {
    let one = |name: &str, prepare: fn() -> Box<dyn FnMut()>| Part {
        name: name.to_owned(),
        messages: 1,
        prepare: Box::new(prepare),
    };
    [
        one("decode_legacy", decode_legacy),
        one("decode_v1", decode_v1),
        one("encode_legacy", encode_legacy),
        one("encode_v1", encode_v1),
        one("encode_v1_stored", encode_stored),
    ]
    .into_iter()
}

fn decode_legacy() -> Box<dyn FnMut()> {
    let copy = "c".repeat(CIPHERTEXT);
    let text =
        format!(r#"{{"receiverID":2,"receiver_encrypted":"{copy}","sender_encrypted":"{copy}","messageType":"text"}}"#);
    Box::new(move || {
        black_box(legacy::decode(black_box(&text), ME, usize::MAX).unwrap());
    })
}

fn decode_v1() -> Box<dyn FnMut()> {
    let copy = "c".repeat(CIPHERTEXT);
    let text = format!(
        r#"{{"type":"send","client_id":"{CLIENT_ID}","to":2,"receiver_encrypted":"{copy}","sender_encrypted":"{copy}","message_type":"text"}}"#
    );
    let limits = SendLimits { ciphertext_bytes: usize::MAX, attachments: 10 };
    Box::new(move || {
        black_box(v1::decode(black_box(&text), ME, limits).request.unwrap());
    })
}

fn message() -> Message {
    Message {
        id: MessageId(1_234_567),
        seq: Seq(1_234_567),
        conversation_id: ConversationId(4321),
        sender: ME,
        receiver: OTHER,
        sender_copy: "c".repeat(CIPHERTEXT),
        receiver_copy: "d".repeat(CIPHERTEXT),
        message_type: "text".to_owned(),
        timestamp: Timestamp::from_micros(1_795_000_000_123_456),
        client_id: Some(CLIENT_ID.to_owned()),
        reply_to: None,
        expires_at: None,
        franking_tag: None,
        attachments: Vec::new(),
    }
}

fn encode_legacy() -> Box<dyn FnMut()> {
    let message = message();
    Box::new(move || {
        black_box(legacy::message(black_box(&message), Viewer { user: OTHER }));
    })
}

fn encode_v1() -> Box<dyn FnMut()> {
    let message = message();
    let tokens = fluent_backend::protocol::franking::ReportTokens::new(&[7; 32]).unwrap();
    let event = Event { seq: message.seq, body: EventBody::Message(message) };
    Box::new(move || {
        black_box(v1::event(black_box(&event), Viewer { user: OTHER }, &tokens));
    })
}

fn encode_stored() -> Box<dyn FnMut()> {
    let message = message();
    let stored = Answer::Stored(Stored {
        client_id: ClientId::parse(CLIENT_ID),
        conversation_id: message.conversation_id,
        id: message.id,
        seq: message.seq,
        timestamp: message.timestamp,
        duplicate: false,
    });
    Box::new(move || {
        black_box(v1::answer(black_box(&stored), Viewer { user: ME }, None));
    })
}
