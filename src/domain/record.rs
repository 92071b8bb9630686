//! Records: what a committed batch has done, for the servers that did not write it.

use std::sync::Arc;

use super::{Audience, Effect, Event, EventBody, Outcome, Seq, UserId};

/// What a batch has done. Its numbers and those of the batch before and behind it leave no gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The first number of the batch.
    pub first: Seq,
    /// The last number of the batch.
    pub last: Seq,
    /// The events, in the order of `seq`.
    pub events: Vec<RecordedEvent>,
    /// What servers must act on, in the order of the commands that it follows from.
    pub effects: Vec<Effect>,
}

/// An event as a record holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedEvent {
    /// A message was stored; it is read by its number. In the journal all messages are so: it holds no ciphertext.
    Message {
        /// The place of its event.
        seq: Seq,
        /// The sender.
        sender: UserId,
        /// The receiver.
        receiver: UserId,
    },
    /// Any other event, whole; between servers a message, too, or as much of it as one side is shown.
    Other {
        /// Those who must learn of it; of a message, those whose copies are in it.
        to: Vec<Audience>,
        /// The event.
        event: Arc<Event>,
    },
}

impl RecordedEvent {
    /// Returns the place of the event.
    #[must_use]
    pub fn seq(&self) -> Seq {
        match self {
            Self::Message { seq, .. } => *seq,
            Self::Other { event, .. } => event.seq,
        }
    }

    /// Returns whether it says that a message was stored.
    #[must_use]
    pub fn is_message(&self) -> bool {
        match self {
            Self::Message { .. } => true,
            Self::Other { event, .. } => matches!(event.body, EventBody::Message(_)),
        }
    }
}

impl Record {
    /// Returns the record of a batch with these numbers, outcomes and effects.
    #[must_use]
    pub fn of(first: Seq, last: Seq, outcomes: &[Outcome], effects: &[Effect]) -> Self {
        let mut events: Vec<RecordedEvent> = Vec::with_capacity(outcomes.len());
        for (audience, event) in outcomes.iter().flat_map(|outcome| &outcome.events) {
            match (&event.body, events.last_mut()) {
                (EventBody::Message(message), _) => events.push(RecordedEvent::Message {
                    seq: event.seq,
                    sender: message.sender,
                    receiver: message.receiver,
                }),
                (_, Some(RecordedEvent::Other { to, event: last })) if Arc::ptr_eq(last, event) => to.push(*audience),
                _ => events.push(RecordedEvent::Other { to: vec![*audience], event: event.clone() }),
            }
        }
        events.sort_by_key(RecordedEvent::seq);
        Self { first, last, events, effects: effects.to_vec() }
    }

    /// Drops everything up to the number `told`, which was announced already. Effects stay: they may be acted on twice.
    #[must_use]
    pub fn above(mut self, told: Seq) -> Self {
        if told >= self.first {
            self.first = Seq(told.0 + 1);
            self.events.retain(|event| event.seq() > told);
        }
        self
    }
}
