//! No text makes the `fluent.v1` decoder panic, and what it lets through is in bounds.
#![no_main]

use fluent_backend::domain::{Draft, Objection, UserId};
use fluent_backend::protocol::v1::{ClientFrame, decode, decode_send_body, error, pong};
use libfuzzer_sys::fuzz_target;

/// Small, so that inputs of libFuzzer's usual size exceed it.
const LIMIT: usize = 32;
const SENDER: UserId = UserId(1);
const INTEGERS: std::ops::RangeInclusive<i64> = 0..=(1 << 53) - 1;

fuzz_target!(|data: &[u8]| {
    if let Ok((client_id, draft)) = decode_send_body(data, SENDER, LIMIT, None) {
        assert_eq!(draft.once.as_ref().map(|once| &once.client_id), Some(&client_id));
        check_draft(&draft);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let decoded = decode(text, SENDER, LIMIT);
    // At most 64 characters of six bytes each, as JSON writes control characters.
    assert!(pong(decoded.context.reference.as_ref()).len() <= 64 * 6 + 32);
    match &decoded.frame {
        Ok(frame) => check(frame),
        Err(why) => assert!(!error(why, &decoded.context).is_empty()),
    }
    if let Ok(ClientFrame::Send(draft)) = decoded.frame {
        // The same fields are the same message over REST.
        let (client_id, body) = decode_send_body(data, SENDER, LIMIT, None).expect("the fields of a send");
        assert_eq!((Some(client_id), body.once), (decoded.context.client_id, draft.once));
    }
});

fn check(frame: &ClientFrame) {
    match frame {
        ClientFrame::Send(draft) => check_draft(draft),
        ClientFrame::Delivered { up_to } => assert!(INTEGERS.contains(&up_to.0)),
        ClientFrame::Read { partner, up_to } => assert!(partner.0 >= 0 && INTEGERS.contains(&up_to.0)),
        ClientFrame::Delete { id, .. } => assert!(id.0 >= 1 && INTEGERS.contains(&id.0)),
        ClientFrame::Typing { to, .. } => assert!(to.0 >= 0),
        ClientFrame::Presence { watch } => {
            let unique: std::collections::HashSet<_> = watch.iter().collect();
            assert!(watch.len() <= 256 && unique.len() == watch.len() && watch.iter().all(|user| user.0 >= 1));
        }
        ClientFrame::Ping => {}
    }
}

fn check_draft(draft: &Draft) {
    assert_eq!(draft.sender, SENDER);
    assert!(draft.receiver.is_none_or(|user| user.0 >= 1));
    let sizes = [draft.sender_copy.as_bytes().len(), draft.receiver_copy.as_bytes().len()];
    assert!(sizes.iter().all(|&size| size >= 1));
    let too_large = sizes.iter().any(|&size| size > LIMIT);
    assert_eq!(too_large, draft.objection == Some(Objection::TooLarge { limit: LIMIT }));
    assert!(draft.once.is_some());
    assert!(draft.receiver_key_id.as_ref().is_none_or(|id| id.len() <= 64));
    assert!(draft.reply_to.is_none_or(|id| id.0 >= 1 && INTEGERS.contains(&id.0)));
    assert!(draft.expires_in_s.is_none_or(|seconds| (1..=31_536_000).contains(&seconds)));
}
