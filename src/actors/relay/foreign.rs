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

/// Returns what a record has to announce, with the messages that were read for it. It was committed at this time, and
/// keeps so many bytes while it waits.
pub(super) fn batch(
    record: Record,
    messages: &mut HashMap<Seq, (Audience, Message)>,
    at: Timestamp,
    bytes: usize,
) -> Batch {
    let mut deliveries = Vec::with_capacity(record.events.len());
    for event in record.events {
        match event.is_message().then(|| messages.remove(&event.seq())).flatten() {
            Some((to, message)) => {
                let event = Arc::new(Event { seq: event.seq(), body: EventBody::Message(message) });
                deliveries.push(Delivery::Event { to, event, reply: None });
            }
            None => {
                let RecordedEvent::Other { to, event } = event else { continue };
                let delivery = |to| Delivery::Event { to, event: event.clone(), reply: None };
                deliveries.extend(to.into_iter().map(delivery));
            }
        }
    }
    Batch { deliveries, effects: record.effects, at: Some(at), bytes, then: None }
}
