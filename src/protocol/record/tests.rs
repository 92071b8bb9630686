//! Any record is read as it was written, and no bytes make the reader fail in another way than with an error.

use std::sync::Arc;

use proptest::prelude::*;

use super::encode::level_of;
use super::*;
use crate::domain::*;

fn user() -> impl Strategy<Value = UserId> {
    (1..i32::MAX).prop_map(UserId)
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0..i64::from(u32::MAX) * 1_000_000).prop_map(Timestamp::from_micros)
}

/// An event, with users when its kind does not say who must learn of it.
fn event(seq: Seq) -> impl Strategy<Value = RecordedEvent> {
    let kinds = prop_oneof![Just(ReceiptKind::Delivered), Just(ReceiptKind::Read)];
    let receipt = (kinds, 1..i64::MAX, user(), user(), 1..i64::MAX, time(), any::<bool>()).prop_map(
        move |(kind, conversation, user, partner, up_to, timestamp, both)| {
            let conversation_id = ConversationId(conversation);
            let receipt = Receipt { seq, kind, conversation_id, user, partner, up_to: MessageId(up_to), timestamp };
            let to = if both { Audience::Members(receipt.conversation()) } else { Audience::User(partner) };
            (vec![to], EventBody::Receipt(receipt))
        },
    );
    let scopes = prop_oneof![Just(Scope::Me), Just(Scope::Everyone)];
    let deleted = (1..i64::MAX, 1..i64::MAX, user(), user(), scopes, prop::option::of(user())).prop_map(
        move |(id, conversation, sender, receiver, scope, by)| {
            let (id, conversation_id) = (MessageId(id), ConversationId(conversation));
            let deletion = Deletion { seq, id, conversation_id, sender, receiver, scope, by };
            let to =
                if scope == Scope::Me { Audience::User(sender) } else { Audience::Members(deletion.conversation()) };
            (vec![to], EventBody::Deleted(deletion))
        },
    );
    let named = (prop::collection::vec(user(), 1..9), user(), "[a-z0-9]{0,16}", 0..3, any::<bool>()).prop_map(
        |(to, user, key_id, kind, blocked)| {
            let body = match kind {
                0 => EventBody::KeyChanged { user, key_id },
                1 => EventBody::UserDeleted(user),
                _ => EventBody::Block { user, blocked },
            };
            (to.into_iter().map(Audience::User).collect(), body)
        },
    );
    let before = time().prop_map(|before| (vec![Audience::All], EventBody::DeletedBefore(before)));
    let other = prop_oneof![receipt, deleted, named, before]
        .prop_map(move |(to, body)| RecordedEvent::Other { to, event: Arc::new(Event { seq, body }) });
    let message = (user(), user()).prop_map(move |(sender, receiver)| RecordedEvent::Message { seq, sender, receiver });
    prop_oneof![message, other]
}

fn effect() -> impl Strategy<Value = Effect> {
    let ends =
        prop_oneof![Just(LoginEnd::Logout), Just(LoginEnd::Revoked), Just(LoginEnd::Password), Just(LoginEnd::Deleted)];
    prop_oneof![
        (user(), prop::collection::vec((1..i64::MAX).prop_map(LoginId), 0..5), ends, any::<bool>())
            .prop_map(|(user, logins, end, closes_all)| Effect::LoginsEnded { user, logins, end, closes_all }),
        (user(), time()).prop_map(|(user, until)| Effect::AccountDeleted { user, until }),
        (user(), prop::option::of(user())).prop_map(|(user, other)| Effect::VisibilityChanged { user, other }),
        Just(Effect::AddressRulesChanged),
    ]
}

/// A message that is told whole, unless it is large.
fn whole(seq: Seq) -> impl Strategy<Value = RecordedEvent> {
    let times = (time(), prop::option::of(time()));
    let texts = ("[a-z]{0,9}", prop::option::of("[a-z]{1,9}"), prop::option::of(1..i64::MAX));
    (1..i64::MAX, user(), user(), 0..6000_usize, 0..6000_usize, texts, times).prop_map(
        move |(id, sender, receiver, sender_bytes, receiver_bytes, (message_type, client_id, reply_to), times)| {
            let (timestamp, expires_at) = times;
            let message = Message {
                id: MessageId(id),
                seq,
                conversation_id: ConversationId(id),
                sender,
                receiver,
                sender_copy: "s".repeat(sender_bytes),
                receiver_copy: "r".repeat(receiver_bytes),
                message_type,
                timestamp,
                client_id,
                reply_to: reply_to.map(MessageId),
                expires_at,
                franking_tag: None,
                attachments: (0..sender_bytes % 3)
                    .map(|n| Attachment { id: MediaId([7; 16]), size: n as u64 })
                    .collect(),
            };
            let to = vec![Audience::Members(message.conversation())];
            RecordedEvent::Other { to, event: Arc::new(Event { seq, body: EventBody::Message(message) }) }
        },
    )
}

/// A record as its server tells it: several events may have one number.
fn told() -> impl Strategy<Value = AnnouncedRecord> {
    let places = prop::collection::vec((0..64_i64, any::<bool>()), 0..60);
    (
        1..i64::MAX / 2,
        prop::collection::vec(effect(), 0..4),
        places,
        any::<i64>(),
        any::<i64>(),
        (time(), proptest::option::of(time())),
    )
        .prop_flat_map(|(first, effects, mut places, boot, nonce, times)| {
            places.sort_unstable();
            let event = |(place, is_whole): (i64, bool)| {
                let seq = Seq(first + place);
                if is_whole { whole(seq).boxed() } else { event(seq).boxed() }
            };
            let events: Vec<_> = places.into_iter().map(event).collect();
            (events, Just((first, effects, boot, nonce, times)))
        })
        .prop_map(|(events, (first, effects, boot, nonce, (at, clock)))| {
            let record = Record { first: Seq(first), last: Seq(first + 63), events, effects };
            AnnouncedRecord { boot, nonce, at, clock, record }
        })
}

fn record() -> impl Strategy<Value = Record> {
    (1..i64::MAX / 2, prop::collection::vec(effect(), 0..4), prop::collection::btree_set(0..1024_i64, 0..20))
        .prop_flat_map(|(first, effects, places)| {
            let events: Vec<_> = places.into_iter().map(|place| event(Seq(first + place))).collect();
            (events, Just(first), Just(effects))
        })
        .prop_map(|(events, first, effects)| Record { first: Seq(first), last: Seq(first + 1023), events, effects })
}

proptest! {
    #[test]
    fn a_record_is_read_as_it_was_written_at_each_level(mut record in record(), level in FIRST_LEVEL..=LEVEL) {
        let read = decode(record.first, record.last, &encode(&record, level)).unwrap();
        record.effects.retain(|effect| level_of(effect) <= level);
        prop_assert_eq!(read, record);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..200_usize) {
        let _ = decode(Seq(1), Seq(9), &bytes);
        let _ = decode(Seq(1), Seq(9), bytes.get(..cut).unwrap_or(&bytes));
    }

    #[test]
    fn the_parts_of_what_is_told_join_and_are_small(
        told in told(),
        limit in 20_000..60_000_usize,
        level in FIRST_LEVEL..=LEVEL,
    ) {
        let parts = encode_parts(told.clone(), limit, level);
        let (mut next, mut events, mut effects) = (told.record.first, Vec::new(), Vec::new());
        for (i, bytes) in parts.iter().enumerate() {
            let part = decode_part(bytes).unwrap();
            prop_assert_eq!((part.boot, part.nonce, part.at), (told.boot, told.nonce, told.at));
            prop_assert_eq!(part.clock, told.clock.filter(|_| i + 1 == parts.len()));
            prop_assert_eq!(part.record.first, next);
            next = Seq(part.record.last.0 + 1);
            prop_assert!(part.record.events.iter().all(|event| event.seq() < next));
            let of_one_number = part.record.events.first().map(RecordedEvent::seq)
                == part.record.events.last().map(RecordedEvent::seq);
            prop_assert!(bytes.len() <= limit || of_one_number, "{} of {}", bytes.len(), limit);
            prop_assert!(part.record.effects.is_empty() || i + 1 == parts.len());
            events.extend(part.record.events);
            effects.extend(part.record.effects);
        }
        prop_assert_eq!(next, Seq(told.record.last.0 + 1));
        let written = told.record.effects.iter().filter(|effect| level_of(effect) <= level).cloned();
        prop_assert_eq!(effects, written.collect::<Vec<_>>());
        prop_assert_eq!(events.len(), told.record.events.len());
        for (heard, said) in events.into_iter().zip(told.record.events) {
            let (RecordedEvent::Message { seq, .. }, RecordedEvent::Other { event, .. }) = (&heard, &said) else {
                prop_assert_eq!(heard, said);
                continue;
            };
            let EventBody::Message(message) = &event.body else { panic!("{said:?}") };
            prop_assert!(message.sender_copy.len() + message.receiver_copy.len() > 8000);
            prop_assert_eq!(*seq, event.seq);
        }
    }

    #[test]
    fn no_bytes_make_the_listener_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        told in told(),
        at in 0..99_usize,
    ) {
        let _ = decode_part(&bytes);
        let mut bytes = encode_parts(told, 60_000, LEVEL).remove(0);
        let at = at.min(bytes.len() - 1);
        bytes[at] ^= 1;
        let _ = decode_part(&bytes);
        let nothing = Record { first: Seq(1), last: Seq(1), events: vec![], effects: vec![] };
        prop_assert!(decode_part(&encode(&nothing, LEVEL)).is_err(), "nobody has said it");
    }

    #[test]
    fn what_was_told_is_left_out(record in record(), told in 0..2048_i64) {
        let told = Seq(record.first.0 + told - 512);
        let rest = record.clone().above(told);
        prop_assert_eq!(&rest.effects, &record.effects);
        prop_assert!(rest.events.iter().all(|event| event.seq() > told));
        let dropped = record.events.iter().filter(|event| event.seq() <= told).count();
        prop_assert_eq!(dropped + rest.events.len(), record.events.len());
    }
}

#[test]
fn an_unknown_version_is_named_and_numbers_beyond_the_batch_are_refused() {
    assert!(matches!(decode(Seq(1), Seq(2), &[9, 1, 2]), Err(RecordError::Version(9))));
    assert!(matches!(decode(Seq(1), Seq(2), &[]), Err(RecordError::Malformed)));
    let event = RecordedEvent::Message { seq: Seq(7), sender: UserId(1), receiver: UserId(2) };
    let bytes = encode(&Record { first: Seq(1), last: Seq(7), events: vec![event], effects: Vec::new() }, FIRST_LEVEL);
    assert!(matches!(decode(Seq(1), Seq(6), &bytes), Err(RecordError::Malformed)));
    assert!(bytes.len() < 16, "a message takes about ten bytes: {}", bytes.len());
}

/// PostgreSQL keeps a row of up to 2,000 bytes in one piece; a larger one costs it several times as much.
#[test]
fn the_record_of_two_hundred_messages_is_kept_in_one_piece() {
    let message = |n: i32| RecordedEvent::Message {
        seq: Seq(3_000_000_000 + i64::from(n)),
        sender: UserId(1_000_000 + n),
        receiver: UserId(2_000_000 + 7 * n),
    };
    let (first, last) = (Seq(3_000_000_000), Seq(3_000_000_199));
    let record = Record { first, last, events: (0..200).map(message).collect(), effects: Vec::new() };
    let bytes = encode(&record, LEVEL);
    assert!(bytes.len() <= 200 * 8, "{}", bytes.len());
    assert_eq!(decode(first, last, &bytes).unwrap(), record);
}

#[test]
fn columns_of_different_lengths_are_refused() {
    let columns = [1, 0x22, 0x07, 0x0a, 0x01, 0x00, 0x12, 0x02, 0x05, 0x06];
    assert!(matches!(decode(Seq(1), Seq(9), &columns), Err(RecordError::Malformed)));
    let sound = [1, 0x22, 0x09, 0x0a, 0x01, 0x00, 0x12, 0x01, 0x05, 0x1a, 0x01, 0x06];
    let read = decode(Seq(1), Seq(9), &sound).unwrap().events;
    assert_eq!(read, [RecordedEvent::Message { seq: Seq(1), sender: UserId(5), receiver: UserId(6) }]);
}
