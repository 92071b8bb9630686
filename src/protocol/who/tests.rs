use proptest::prelude::*;

use super::*;

fn users() -> impl Strategy<Value = Vec<UserSockets>> {
    let socket = (any::<i64>(), any::<Option<u64>>(), any::<bool>());
    let socket = socket.prop_map(|(stamp, device, is_background)| (Stamp(stamp), Mark::new(device, is_background)));
    let user = (any::<i32>(), prop::collection::vec(socket, 0..4));
    prop::collection::vec(user.prop_map(|(user, sockets)| UserSockets { user: UserId(user), sockets }), 0..8)
}

fn here() -> impl Strategy<Value = Here> {
    let text = ("[a-z]{0,9}", "[0-9.]{0,9}");
    let numbers = (any::<i32>(), any::<i64>(), any::<u64>(), any::<u64>());
    let rest = (any::<bool>(), any::<Option<i64>>(), any::<Option<u64>>(), any::<bool>());
    (text, numbers, rest).prop_map(|((label, version), (level, told, sockets, changes), rest)| {
        let (store_ok, leaving_until, hold_p99_us, is_new) = rest;
        let leaving_until = leaving_until.map(Timestamp::from_micros);
        Here { label, version, level, told, sockets, store_ok, leaving_until, hold_p99_us, changes, is_new }
    })
}

fn said() -> impl Strategy<Value = Said> {
    let page = (any::<u64>(), any::<u32>(), any::<bool>(), users());
    let typing = (any::<i32>(), any::<i32>(), any::<i64>(), any::<bool>());
    prop_oneof![
        here().prop_map(Said::Here),
        (any::<u64>(), users()).prop_map(|(number, users)| Said::Changed(Changed { number, users })),
        Just(Said::Asked),
        page.prop_map(|(number, index, is_last, users)| Said::Page(Page { number, index, is_last, users })),
        typing.prop_map(|(from, to, conversation, active)| {
            let conversation = ConversationId(conversation);
            Said::Typing(Typing { from: UserId(from), to: UserId(to), conversation, active })
        }),
    ]
}

proptest! {
    #[test]
    fn a_word_is_read_as_it_was_written(boot in any::<i64>(), n in any::<u64>(), at in any::<i64>(), said in said()) {
        let word = Word { boot, n, at: Timestamp::from_micros(at), said };
        let bytes = encode(&word);
        prop_assert_eq!(decode(&bytes).unwrap(), Some(word));
        for length in 0..bytes.len() {
            // Cut off, it is no word or another one; nothing panics.
            let _ = decode(&bytes[..length]);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn a_mark_keeps_its_device_and_background(one in any::<u64>(), other in any::<u64>(), background in any::<bool>()) {
        let mark = Mark::new(Some(one), background);
        prop_assert_eq!(mark.is_background(), background);
        prop_assert!(mark.is_same_device(Mark::new(Some(one), !background)));
        prop_assert_eq!(mark.is_same_device(Mark::new(Some(other), background)), one.max(2) >> 1 == other.max(2) >> 1);
        let none = Mark::new(None, background);
        prop_assert!(!none.is_same_device(none) && !none.is_same_device(mark) && none.is_background() == background);
    }
}

#[test]
fn a_word_of_another_version_or_kind_is_not_taken() {
    assert!(matches!(decode(&[2, 0]), Err(WhoError::Version(2))));
    assert!(matches!(decode(&[]), Err(WhoError::Malformed)));
    assert_eq!(decode(&[VERSION]).unwrap(), None);
}
