//! Tests that no text makes the decoder panic, and that all it accepts is in bounds.

use proptest::prelude::*;

use super::limits;
use super::written::{LIMIT, any_frame, text};
use crate::domain::{Command, UserId};
use crate::protocol::Request;
use crate::protocol::v1::{decode, decode_send_body, error};

/// Decodes `text`, and encodes the reply.
fn survives(text: &str) -> Result<(), TestCaseError> {
    let decoded = decode(text, UserId(1), limits(LIMIT));
    match &decoded.request {
        Ok(Request::Command(Command::Send(draft))) => {
            prop_assert!(!draft.sender_copy.as_bytes().is_empty() && !draft.receiver_copy.as_bytes().is_empty());
            prop_assert!(draft.once.is_some() && decoded.context.client_id.is_some());
            let largest = draft.sender_copy.as_bytes().len().max(draft.receiver_copy.as_bytes().len());
            prop_assert!(largest <= LIMIT || draft.objection.is_some());
        }
        Ok(Request::Watch { users }) => prop_assert!(users.len() <= 256),
        Ok(_) => {}
        Err(why) => prop_assert!(!error(why, &decoded.context).is_empty()),
    }
    let _ = decode_send_body(text.as_bytes(), UserId(1), limits(LIMIT), Some("c"));
    Ok(())
}

/// Pieces that are likely to matter at random places of a frame.
const PIECES: [&str; 20] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "-",
    "1e999",
    "0.",
    "\\ud800",
    "\\u0000",
    "\u{0}",
    "\"type\":",
    "\"ref\":1,",
    "ä",
    "9007199254740992",
    "true",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_text(text in any::<String>()) {
        survives(&text)?;
    }

    #[test]
    fn any_json_like_text(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..30)) {
        survives(&pieces.concat())?;
    }

    #[test]
    fn any_body(body in any::<Vec<u8>>(), key in any::<Option<String>>()) {
        let _ = decode_send_body(&body, UserId(1), limits(LIMIT), key.as_deref());
    }

    #[test]
    fn mutated_frames(
        written in any_frame(),
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), 0..4_usize, prop::sample::select(&PIECES[..])),
            1..6,
        ),
    ) {
        let fields: Vec<_> = written.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let mut chars: Vec<char> = text(&fields).chars().collect();
        for (at, cut, piece) in changes {
            let at = at.index(chars.len());
            let end = (at + cut).min(chars.len() - 1);
            chars.splice(at..end.max(at), piece.chars());
        }
        survives(&chars.into_iter().collect::<String>())?;
    }
}
