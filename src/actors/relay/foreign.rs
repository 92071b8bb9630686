//! Batches of other servers, ready for the registry.

use std::collections::HashMap;
use std::sync::Arc;

use super::batch::Batch;
use crate::actors::registry::local_users::LocalUsers;
use crate::actors::registry::messages::Delivery;
use crate::domain::{Audience, Event, EventBody, Message, Record, RecordedEvent, Seq, Timestamp};

/// Returns the numbers of the messages that must be read, because one of their sides is connected here. Who comes later
/// reads the store, which has all of them.
pub(super) fn wanted(record: &Record, local: &LocalUsers) -> Vec<Seq> {
    let wanted = record.events.iter().filter_map(|event| match event {
        RecordedEvent::Message { seq, sender, receiver } => {
            (local.has(*sender) || local.has(*receiver)).then_some(*seq)
        }
        RecordedEvent::Other { .. } => None,
    });
    wanted.collect()
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
        match event {
            RecordedEvent::Message { seq, .. } => {
                if let Some((to, message)) = messages.remove(&seq) {
                    let event = Arc::new(Event { seq, body: EventBody::Message(message) });
                    deliveries.push(Delivery::Event { to, event, reply: None });
                }
            }
            RecordedEvent::Other { to, event } => {
                let delivery = |to| Delivery::Event { to, event: event.clone(), reply: None };
                deliveries.extend(to.into_iter().map(delivery));
            }
        }
    }
    Batch { deliveries, effects: record.effects, at: Some(at), bytes, then: None }
}
