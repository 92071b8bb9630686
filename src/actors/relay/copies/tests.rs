//! Whatever a server believes of where users are, each of them gets what is hers elsewhere, once and in order.

use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;

use super::*;
use crate::actors::registry::messages::Delivery;
use crate::actors::relay::batch::Batch;
use crate::actors::relay::foreign::{batch, copies, wanted};
use crate::domain::{ConversationId, MessageId, Seq, Timestamp};
use crate::protocol::record::{AnnouncedRecord, COMPACT_LEVEL, decode_part, encode_parts};

type Users = BTreeSet<UserId>;

fn users() -> impl Strategy<Value = Users> {
    prop::collection::btree_set((1..5).prop_map(UserId), 0..5)
}

fn message(number: i64, sender: UserId, receiver: UserId, bytes: usize) -> Message {
    let copy = |of: &str| format!("{of} {number} {}", "x".repeat(bytes));
    Message {
        id: MessageId(number),
        seq: Seq(number),
        conversation_id: ConversationId(9),
        sender,
        receiver,
        sender_copy: copy("s"),
        receiver_copy: if sender == receiver { String::new() } else { copy("r") },
        message_type: "text".to_owned(),
        timestamp: Timestamp::from_micros(number),
        client_id: Some(format!("c{number}")),
        reply_to: None,
        expires_at: None,
        franking_tag: None,
        attachments: Vec::new(),
    }
}

/// Messages with the numbers from 1 on; some are large.
fn messages() -> impl Strategy<Value = Vec<Message>> {
    let of = (1..5, 1..5, prop_oneof![0..200_usize, 3000..9000_usize]);
    let numbered = |(number, (sender, receiver, bytes)): (i64, (i32, i32, usize))| {
        message(number, UserId(sender), UserId(receiver), bytes)
    };
    prop::collection::vec(of, 1..12).prop_map(move |all| (1..).zip(all).map(numbered).collect())
}

/// Returns a record as it is heard, of a server that believes these users to be elsewhere.
fn heard(messages: &[Message], believed: &Users) -> Record {
    let event = |message: &Message| RecordedEvent::Other {
        to: vec![Audience::Members(message.conversation())],
        event: Arc::new(Event { seq: message.seq, body: EventBody::Message(message.clone()) }),
    };
    let (first, last) = (Seq(1), messages.last().unwrap().seq);
    let mut record = Record { first, last, events: messages.iter().map(event).collect(), effects: Vec::new() };
    leave_out(&mut record, |user| believed.contains(&user));
    let told = AnnouncedRecord { boot: 1, nonce: 2, at: Timestamp::from_micros(3), clock: None, record };
    decode_part(&encode_parts(told, 1 << 20, COMPACT_LEVEL).remove(0)).unwrap().record
}

/// Returns what a user is shown of the messages: number, copy, and `client_id`.
fn shown<'a>(messages: impl IntoIterator<Item = &'a Message>, user: UserId) -> Vec<(i64, String, Option<String>)> {
    let viewer = Viewer { user };
    let shown = |message: &Message| {
        (message.seq.0, message.content_for(viewer).to_owned(), message.client_id_for(viewer).map(str::to_owned))
    };
    messages.into_iter().map(shown).collect()
}

proptest! {
    #[test]
    fn everybody_gets_what_is_hers(messages in messages(), believed in users(), here in users()) {
        let heard = heard(&messages, &believed);
        let wanted = wanted(&heard, |user| here.contains(&user));
        let is_wanted = |message: &&Message| wanted.contains(&message.seq);
        let read = |message: &Message| (message.seq, (Audience::Members(message.conversation()), message.clone()));
        let mut found: HashMap<_, _> = messages.iter().filter(is_wanted).map(read).collect();
        let read: usize = found.values().map(|(_, message)| copies(message)).sum();
        let Batch { deliveries, bytes, .. } = batch(heard, &mut found, Timestamp::from_micros(3), 7);
        prop_assert_eq!(bytes, read + 7, "what is read counts while it waits");
        for user in here {
            let mine = |message: &&Message| [message.sender, message.receiver].contains(&user);
            let delivered: Vec<&Message> = deliveries.iter().filter_map(|delivery| match delivery {
                Delivery::Event { to, event, .. } if to.includes(user) => match &event.body {
                    EventBody::Message(message) => Some(message),
                    _ => None,
                },
                _ => None,
            }).collect();
            prop_assert_eq!(shown(delivered, user), shown(messages.iter().filter(mine), user));
        }
    }

    #[test]
    fn copies_are_told_of_those_who_are_elsewhere_and_only_large_ones_are_read(
        messages in messages(),
        believed in users(),
    ) {
        let heard = heard(&messages, &believed);
        for (event, message) in heard.events.iter().zip(&messages) {
            let Message { sender, receiver, .. } = *message;
            let needs = (believed.contains(&sender), believed.contains(&receiver) && sender != receiver);
            let bytes = |is_needed: bool, copy: &str| if is_needed { copy.len() } else { 0 };
            let needed = bytes(needs.0, &message.sender_copy) + bytes(needs.1, &message.receiver_copy);
            let told = match event {
                RecordedEvent::Message { .. } => {
                    prop_assert!(needs == (false, false) || needed > 8000);
                    continue;
                }
                RecordedEvent::Other { event, .. } => &event.body,
            };
            let EventBody::Message(told) = told else { panic!("{event:?}") };
            prop_assert_eq!((!told.sender_copy.is_empty(), !told.receiver_copy.is_empty()), needs);
            prop_assert_eq!(told.client_id.is_some(), needs.0);
        }
        let large = |seq: &Seq| messages.iter().any(|message| {
            message.seq == *seq && message.sender_copy.len() + message.receiver_copy.len() > 8000
        });
        prop_assert!(wanted(&heard, |user| believed.contains(&user)).iter().all(large));
    }
}
