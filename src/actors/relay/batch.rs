//! A batch on its way to the registry, and those who learn of it.

use std::sync::Arc;

use super::sequencer::Batched;
use crate::actors::presence::messages::PresenceHandle;
use crate::actors::registry::messages::{Delivery, RegistryHandle};
use crate::auth::Refusals;
use crate::domain::{Effect, Event, EventBody, LoginEnd, Record, RecordedEvent, Seq, Timestamp};
use crate::media::MessageFlow;

/// What a batch has to announce.
pub(in crate::actors) struct Batch {
    /// Events and answers, in commit order.
    pub(in crate::actors) deliveries: Vec<Delivery>,
    /// What servers must act on.
    pub(in crate::actors) effects: Vec<Effect>,
    /// When it was committed, if by another server.
    pub(in crate::actors) at: Option<Timestamp>,
    /// The bytes that count against what may wait of other servers' batches.
    pub(in crate::actors) bytes: usize,
    /// Gives requests their answers, when all else is on its way; `None` in a batch of another server.
    pub(in crate::actors) then: Option<Box<dyn FnOnce() + Send>>,
}

impl Batched for Batch {
    fn above(mut self, told: Seq) -> Self {
        self.deliveries.retain(|delivery| !matches!(delivery, Delivery::Event { event, .. } if event.seq <= told));
        self
    }

    fn must_pass(&self) -> bool {
        self.then.is_some()
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Batch {
    fn has_messages(&self) -> bool {
        let is_message = |event: &Event| matches!(event.body, EventBody::Message(_));
        self.deliveries.iter().any(|delivery| matches!(delivery, Delivery::Event { event, .. } if is_message(event)))
    }

    /// Returns what the batch with these numbers has done, with whole messages.
    pub(super) fn record(&self, first: Seq, last: Seq) -> Record {
        let mut events: Vec<RecordedEvent> = Vec::with_capacity(self.deliveries.len());
        for delivery in &self.deliveries {
            let Delivery::Event { to: audience, event, .. } = delivery else { continue };
            match events.last_mut() {
                Some(RecordedEvent::Other { to, event: last }) if Arc::ptr_eq(last, event) => to.push(*audience),
                _ => events.push(RecordedEvent::Other { to: vec![*audience], event: event.clone() }),
            }
        }
        events.sort_by_key(RecordedEvent::seq);
        Record { first, last, events, effects: self.effects.clone() }
    }
}

/// The recipients of what batches announce.
#[derive(Clone)]
pub(in crate::actors) struct Listeners {
    /// Delivers events, and closes sockets.
    pub(in crate::actors) registry: RegistryHandle,
    /// Learns who may see whom.
    pub(in crate::actors) presence: PresenceHandle,
    /// Refuses access tokens, and learns that the rules about addresses have changed.
    pub(in crate::actors) refusals: Refusals,
    /// Hears of messages, to which the transfers of files give way.
    pub(in crate::actors) flow: Arc<MessageFlow>,
}

impl Listeners {
    /// Hands a batch to the registry, acts on its effects, then gives the requests in it their answers: what they have
    /// asked for holds by then.
    pub(in crate::actors) fn announce(&self, batch: Batch) {
        if batch.has_messages() {
            self.flow.note();
        }
        self.registry.deliver(batch.deliveries);
        self.act_on(batch.effects);
        if let Some(then) = batch.then {
            then();
        }
    }

    /// Acts on effects, in their order. From the return on, the tokens of what has ended are refused.
    pub(in crate::actors) fn act_on(&self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::LoginsEnded { user, logins, end, closes_all } => {
                    self.refusals.tokens.refuse_logins(&logins);
                    if closes_all {
                        self.registry.end_user(user, end);
                    } else {
                        self.registry.end_logins(user, &logins, end);
                    }
                }
                Effect::AccountDeleted { user, until } => {
                    self.refusals.tokens.refuse_user(user, until);
                    self.registry.end_user(user, LoginEnd::Deleted);
                    self.presence.reconsider(user, None);
                }
                Effect::VisibilityChanged { user, other } => self.presence.reconsider(user, other),
                Effect::AddressRulesChanged => self.refusals.addresses.note_change(),
            }
        }
    }
}
