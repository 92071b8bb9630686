//! No text makes the `fluent.v1` decoder panic, and what it lets through is in bounds.
#![no_main]

use fluent_backend::domain::{Command, Draft, Objection, SendLimits, UserId};
use fluent_backend::protocol::Request;
use fluent_backend::protocol::v1::{decode, decode_send_body, error, pong};
use libfuzzer_sys::fuzz_target;

/// Small, so that inputs of libFuzzer's usual size exceed it.
const LIMIT: usize = 32;
const LIMITS: SendLimits = SendLimits { ciphertext_bytes: LIMIT, attachments: 3 };
const SENDER: UserId = UserId(1);
const INTEGERS: std::ops::RangeInclusive<i64> = 0..=(1 << 53) - 1;

fuzz_target!(|data: &[u8]| {
    if let Ok((client_id, draft)) = decode_send_body(data, SENDER, LIMITS, None) {
        assert_eq!(draft.once.as_ref().map(|once| &once.client_id), Some(&client_id));
        check_draft(&draft);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let decoded = decode(text, SENDER, LIMITS);
    // At most 64 characters of six bytes each, as JSON writes control characters.
    assert!(pong(decoded.context.reference.as_ref()).len() <= 64 * 6 + 32);
    match &decoded.request {
        Ok(request) => check(request),
        Err(why) => assert!(!error(why, &decoded.context).is_empty()),
    }
    if let Ok(Request::Command(Command::Send(draft))) = decoded.request {
        // The same fields are the same message over REST.
        let (client_id, body) = decode_send_body(data, SENDER, LIMITS, None).expect("the fields of a send");
        assert_eq!((Some(client_id), body.once), (decoded.context.client_id, draft.once));
    }
});

fn check(request: &Request) {
    match request {
        Request::Command(command) => check_command(command),
        Request::Typing { conversation, .. } => assert!(conversation.partner_of(SENDER).0 >= 0),
        Request::Watch { users } => {
            let unique: std::collections::HashSet<_> = users.iter().collect();
            assert!(users.len() <= 256 && unique.len() == users.len() && users.iter().all(|user| user.0 >= 1));
        }
        Request::Ping => {}
    }
}

fn check_command(command: &Command) {
    match command {
        Command::Send(draft) => check_draft(draft),
        Command::Delivered { user: SENDER, up_to } => assert!(INTEGERS.contains(&up_to.0)),
        Command::Read { user: SENDER, conversation, up_to } => {
            assert!(conversation.partner_of(SENDER).0 >= 0 && INTEGERS.contains(&up_to.0));
        }
        Command::Delete { user: SENDER, id, .. } => assert!(id.0 >= 1 && INTEGERS.contains(&id.0)),
        other => panic!("no frame asks for {other:?}"),
    }
}

fn check_draft(draft: &Draft) {
    assert_eq!(draft.sender, SENDER);
    assert!(draft.receiver().is_none_or(|user| user.0 >= 1));
    let sizes = [draft.sender_copy.as_bytes().len(), draft.receiver_copy.as_bytes().len()];
    assert!(sizes.iter().all(|&size| size >= 1));
    let too_large = sizes.iter().any(|&size| size > LIMIT);
    assert_eq!(too_large, draft.objection == Some(Objection::TooLarge { limit: LIMIT }));
    assert!(draft.once.is_some());
    assert!(draft.receiver_key_id.as_ref().is_none_or(|id| id.len() <= 64));
    let ids: std::collections::HashSet<_> = draft.attachment_ids.iter().collect();
    assert!(ids.len() == draft.attachment_ids.len() && ids.len() <= LIMITS.attachments);
    assert!(draft.reply_to.is_none_or(|id| id.0 >= 1 && INTEGERS.contains(&id.0)));
    assert!(draft.expires_in_s.is_none_or(|seconds| (1..=31_536_000).contains(&seconds)));
}
