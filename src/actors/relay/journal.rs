//! A look into the journal: what other servers have done, ready for the registry.

use std::sync::Arc;

use super::batch::Batch;
use crate::actors::registry::local_users::LocalUsers;
use crate::actors::registry::messages::Delivery;
use crate::clock::Clock;
use crate::domain::{Event, EventBody, Record, RecordedEvent, Seq};
use crate::storage::{Storage, StorageError};

/// The result of a look.
pub(in crate::actors) struct Found {
    /// The number above which it was looked.
    pub(super) after: Seq,
    /// The number that was given last.
    pub(super) head: Seq,
    /// The first number in the journal above `after`; `None` when there is none.
    pub(super) first: Option<Seq>,
    /// The batches to announce, oldest first.
    pub(super) batches: Vec<(Seq, Seq, Batch)>,
    /// Whether there may be more.
    pub(super) is_full: bool,
}

/// Looks for batches above `told`, and sets the clock by the database's. Those of this run of this server are left out
/// unless their numbers are at most `lost`: the writer hands them over itself, with their answers.
pub(super) async fn look(
    storage: &Storage,
    clock: &Clock,
    local: &LocalUsers,
    told: Seq,
    lost: Seq,
) -> Result<Found, StorageError> {
    let before = clock.now();
    let page = storage.journal_after(told).await?;
    clock.correct((before, clock.now()), page.time);
    let first = page.rows.first().map(|row| row.record.first);
    let found: Vec<Record> =
        page.rows.into_iter().filter(|row| !row.is_own || row.record.last <= lost).map(|row| row.record).collect();
    // Who comes after this moment reads the store, which has all of it.
    let wanted: Vec<Seq> =
        found.iter().flat_map(|record| &record.events).filter_map(|event| wanted(event, local)).collect();
    let mut messages = storage.recorded_messages(&wanted).await?;
    let batches = found.into_iter().map(|record| {
        let numbers = (record.first, record.last);
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
        (numbers.0, numbers.1, Batch { deliveries, effects: record.effects, then: None })
    });
    Ok(Found { after: told, head: page.head, first, batches: batches.collect(), is_full: page.is_full })
}

/// Returns the number of a message when one of its sides is connected here.
fn wanted(event: &RecordedEvent, local: &LocalUsers) -> Option<Seq> {
    match event {
        RecordedEvent::Message { seq, sender, receiver } => {
            (local.has(*sender) || local.has(*receiver)).then_some(*seq)
        }
        RecordedEvent::Other { .. } => None,
    }
}
