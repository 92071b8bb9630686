//! Batches of other servers, ready for the registry.

use std::collections::HashMap;
use std::sync::Arc;

use super::batch::Batch;
use crate::actors::registry::messages::Delivery;
use crate::domain::{Audience, Event, EventBody, Message, Record, RecordedEvent, Seq, Timestamp, UserId};

/// Returns the numbers of the messages that must be read, because a side is connected here whose copy was not told. Who
/// comes later reads the store, which has all of them.
pub(super) fn wanted(record: &Record, is_here: impl Fn(UserId) -> bool) -> Vec<Seq> {
    let lacks = |event: &&RecordedEvent| match event {
        RecordedEvent::Message { sender, receiver, .. } => is_here(*sender) || is_here(*receiver),
        RecordedEvent::Other { to, event } => {
            let EventBody::Message(message) = &event.body else { return false };
            let is_told = |user| to.iter().any(|to| to.includes(user));
            [message.sender, message.receiver].into_iter().any(|user| is_here(user) && !is_told(user))
        }
    };
    record.events.iter().filter(lacks).map(RecordedEvent::seq).collect()
}

/// Returns what a record has to announce, with the messages that were read for it. It was committed at this time. While
/// it waits it keeps so many bytes, and the copies of those messages.
pub(super) fn batch(
    record: Record,
    messages: &mut HashMap<Seq, (Audience, Message)>,
    at: Timestamp,
    mut bytes: usize,
) -> Batch {
    let mut deliveries = Vec::with_capacity(record.events.len());
    for event in record.events {
        if let Some((to, message)) = event.is_message().then(|| messages.remove(&event.seq())).flatten() {
            bytes += copies(&message);
            let event = Arc::new(Event { seq: event.seq(), body: EventBody::Message(message) });
            deliveries.push(Delivery::Event { to, event, reply: None, read_at: None });
        } else {
            let RecordedEvent::Other { to, event } = event else { continue };
            let delivery = |to| Delivery::Event { to, event: event.clone(), reply: None, read_at: None };
            deliveries.extend(to.into_iter().map(delivery));
        }
    }
    Batch { deliveries, effects: record.effects, at: Some(at), bytes, then: None }
}

/// Returns the bytes of a message's copies.
pub(super) fn copies(message: &Message) -> usize {
    message.sender_copy.len() + message.receiver_copy.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::probe;
    use crate::actors::relay::sequencer::Sequencer;

    const ALICE: UserId = UserId(1);
    const BOB: UserId = UserId(2);
    const MIB: usize = 1024 * 1024;

    /// Returns a batch of one message with this number, whose copy of `size` bytes had to be read; its word was small.
    fn read(number: i64, size: usize) -> Batch {
        let (seq, event) = (Seq(number), probe::message(number, ALICE, BOB, &"x".repeat(size)));
        let EventBody::Message(message) = event.body.clone() else { panic!("a message") };
        let events = vec![RecordedEvent::Message { seq, sender: ALICE, receiver: BOB }];
        let record = Record { first: seq, last: seq, events, effects: Vec::new() };
        let mut messages = HashMap::from([(seq, (Audience::Members(message.conversation()), message))]);
        batch(record, &mut messages, Timestamp::from_micros(1), 100)
    }

    #[test]
    fn copies_that_were_read_count_against_what_may_wait() {
        let mut sequencer = Sequencer::new(Seq(0));
        for number in 2..6 {
            assert!(!sequencer.is_too_much(Seq(number)));
            sequencer.offer(Seq(number), Seq(number), read(number, 8 * MIB));
        }
        assert!(sequencer.is_too_much(Seq(6)) && !sequencer.is_too_much(Seq(1)));
        sequencer.offer(Seq(1), Seq(1), read(1, 8 * MIB));
        assert_eq!(std::iter::from_fn(|| sequencer.next()).count(), 5);
        assert!(!sequencer.is_too_much(Seq(7)), "what has passed makes room");
    }
}
