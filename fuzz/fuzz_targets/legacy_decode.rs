//! No text makes the legacy decoder panic, and what it lets through is in bounds.
#![no_main]

use fluent_backend::domain::{Command, UserId};
use fluent_backend::protocol::Request;
use fluent_backend::protocol::legacy::{TEXT, decode, error};
use libfuzzer_sys::fuzz_target;

/// Small, so that inputs of libFuzzer's usual size exceed it.
const LIMIT: usize = 32;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match decode(text, UserId(1), LIMIT) {
        Ok(Request::Command(Command::Send(draft))) => {
            assert_eq!((draft.sender, draft.message_type.as_str()), (UserId(1), TEXT));
            for copy in [&draft.sender_copy, &draft.receiver_copy] {
                assert!((1..=LIMIT).contains(&copy.as_bytes().len()));
            }
            assert!(draft.once.is_none() && draft.objection.is_none());
        }
        Ok(other) => panic!("no frame asks for {other:?}"),
        Err(why) => assert!(!error(&why).is_empty()),
    }
});
