//! Tests that the decoder reads what clients write.

use aws_lc_rs::digest::{SHA256, digest};
use proptest::prelude::*;
use serde_json::Value;

use super::limits;
use super::written::{LIMIT, Written, any_extra, any_frame, any_ref, echoed, meant, said, text};
use crate::domain::{Command, UserId};
use crate::protocol::Request;
use crate::protocol::v1::{CLIENT_FRAMES, decode, decode_send_body};

/// All fields of one frame, mixed.
fn mixed() -> impl Strategy<Value = (Written, Option<Value>, Vec<(String, Value)>)> {
    (any_frame(), any_ref(), any_extra()).prop_flat_map(|(written, reference, extra)| {
        let mut all = extra;
        all.extend(written.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        all.extend(reference.clone().map(|reference| ("ref".to_owned(), reference)));
        (Just(written), Just(reference), Just(all).prop_shuffle())
    })
}

/// Returns the content hash, computed independently from the JSON.
fn expected_hash(written: &Written) -> Vec<u8> {
    let field = |name| written.iter().find(|(field, _)| *field == name).map(|(_, value)| value);
    let write_text = |bytes: &mut Vec<u8>, value: &Value| {
        let text = value.as_str().unwrap();
        bytes.extend((text.len() as u64).to_be_bytes());
        bytes.extend(text.as_bytes());
    };
    let mut bytes = vec![1];
    bytes.extend(field("to").unwrap().as_i64().unwrap().to_be_bytes());
    for name in ["receiver_encrypted", "sender_encrypted", "message_type"] {
        write_text(&mut bytes, field(name).unwrap());
    }
    bytes.push(u8::from(field("receiver_key_id").is_some()));
    if let Some(key) = field("receiver_key_id") {
        write_text(&mut bytes, key);
    }
    for name in ["reply_to", "expires_in_s"] {
        bytes.push(u8::from(field(name).is_some()));
        bytes.extend(field(name).into_iter().flat_map(|number| number.as_i64().unwrap().to_be_bytes()));
    }
    let attachments = field("attachment_ids").and_then(Value::as_array).cloned().unwrap_or_default();
    bytes.extend((attachments.len() as u64).to_be_bytes());
    for id in attachments {
        if let Some(number) = id.as_i64() {
            bytes.push(2);
            bytes.extend(i128::from(number).to_be_bytes());
        } else {
            bytes.push(1);
            write_text(&mut bytes, &id);
        }
    }
    if let Some(tag) = field("franking_tag") {
        write_text(&mut bytes, tag);
    }
    digest(&SHA256, &bytes).as_ref().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn frames_round_trip((written, reference, all) in mixed()) {
        let text = text(&all);
        let decoded = decode(&text, UserId(1), limits(LIMIT));
        let request = decoded.request.unwrap();
        prop_assert_eq!(echoed(decoded.context.reference.as_ref()), reference);
        let is_send = matches!(request, Request::Command(Command::Send(_)));
        if let Request::Command(Command::Send(draft)) = &request {
            let once = draft.once.clone().unwrap();
            prop_assert_eq!(once.content_hash.to_vec(), expected_hash(&written));
            prop_assert_eq!(decoded.context.client_id.as_ref(), Some(&once.client_id));
            let (client_id, body) = decode_send_body(text.as_bytes(), UserId(1), limits(LIMIT), None).unwrap();
            prop_assert_eq!(said(Request::Command(Command::Send(body.clone()))), said(request.clone()));
            prop_assert_eq!(body.once, Some(once.clone()));
            prop_assert_eq!(client_id, once.client_id);
        }
        prop_assert_eq!(decoded.context.client_id.is_some(), is_send);
        let said = said(request);
        prop_assert!(CLIENT_FRAMES.contains(&said["type"].as_str().unwrap()));
        let (mut said, mut meant) = (said, meant(&written));
        for value in [&mut said, &mut meant] {
            sort_watched(value);
        }
        prop_assert_eq!(said, meant);
    }
}

/// Sorts the watched users, whose order has no meaning.
fn sort_watched(value: &mut Value) {
    if let Some(Value::Array(watch)) = value.get_mut("watch") {
        watch.sort_by_key(Value::as_i64);
    }
}
