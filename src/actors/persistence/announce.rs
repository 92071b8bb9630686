//! What of a committed batch has to be announced: events and answers in commit order, then effects, then the answers of
//! requests.

use std::sync::Arc;

use super::reply::{CallerReply, Confirmed, PendingReply};
use crate::actors::registry::messages::Delivery;
use crate::actors::relay::batch::Batch;
use crate::actors::session::origin::Reply;
use crate::domain::{Answer, Audience, Effect, Event, EventBody, Outcome, Scope};
use crate::telemetry::{Destroyed, metrics};

/// The announcements of one batch, in their order.
pub(super) struct Announcement {
    deliveries: Vec<Delivery>,
    /// Answers that come after all events of the batch.
    late: Vec<Delivery>,
    callers: Vec<CallerReply>,
}

impl Announcement {
    /// Makes room for a batch of `commands` commands.
    pub(super) fn new(commands: usize) -> Self {
        Self { deliveries: Vec::with_capacity(commands), late: Vec::new(), callers: Vec::new() }
    }

    /// Adds the outcome of one command. A refusal is sent at once.
    pub(super) fn add(&mut self, outcome: Outcome, reply: PendingReply) {
        let Outcome { answer, events } = outcome;
        match answer {
            Ok(answer) => {
                if matches!(&answer, Answer::Stored(stored) if !stored.duplicate) {
                    metrics().messages.stored.add(1);
                }
                let reply = match reply.confirm(answer) {
                    Confirmed::Socket(reply) => Some(reply),
                    Confirmed::Other(caller) => {
                        self.callers.push(caller);
                        None
                    }
                };
                self.add_events(events, reply);
            }
            Err(refusal) => reply.refuse(refusal.into()),
        }
    }

    /// Adds the events of a command, with the answer in the place of the event that it is about, or alone.
    fn add_events(&mut self, events: Vec<(Audience, Arc<Event>)>, mut reply: Option<Reply>) {
        let read_at = reply.as_ref().and_then(|reply| reply.origin.credit.read_at());
        for (to, event) in events {
            if is_deleted_for_everyone(&event) {
                metrics().messages.destroyed(Destroyed::Everyone, 1);
            }
            let is_own = |reply: &mut Reply| to.includes(reply.origin.user) && !matches!(reply.answer, Answer::Done);
            let reply = reply.take_if(is_own);
            self.deliveries.push(Delivery::Event { to, event, reply, read_at });
        }
        let Some(reply) = reply else { return };
        // A receipt that was merged into a later one of the batch is not answered before that one is announced.
        let is_late = matches!(reply.answer, Answer::Read { .. });
        let to = if is_late { &mut self.late } else { &mut self.deliveries };
        to.push(Delivery::Answer(reply));
    }

    /// Returns the batch to announce, with its effects.
    pub(super) fn into_batch(mut self, effects: Vec<Effect>) -> Batch {
        self.deliveries.append(&mut self.late);
        let callers = self.callers;
        let then = Box::new(move || callers.into_iter().for_each(CallerReply::send));
        Batch { deliveries: self.deliveries, effects, at: None, bytes: 0, then: Some(then) }
    }
}

/// Returns whether a user has deleted a message for both sides.
fn is_deleted_for_everyone(event: &Event) -> bool {
    matches!(&event.body, EventBody::Deleted(deletion) if deletion.scope == Scope::Everyone && deletion.by.is_some())
}
