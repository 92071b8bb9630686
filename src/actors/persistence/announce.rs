//! What of a committed batch has to be announced: events and answers in commit order, then effects, then the answers of
//! requests.

use std::sync::Arc;

use super::reply::{CallerReply, Confirmed, PendingReply};
use crate::actors::presence::messages::PresenceHandle;
use crate::actors::registry::messages::{Delivery, RegistryHandle};
use crate::actors::session::origin::Reply;
use crate::auth::RefusedTokens;
use crate::domain::{Answer, Audience, Effect, Event, LoginEnd, Outcome};
use crate::telemetry::metrics;

/// The recipients of the writer's announcements.
#[derive(Clone)]
pub(in crate::actors) struct Listeners {
    /// Delivers events, and closes sockets.
    pub(in crate::actors) registry: RegistryHandle,
    /// Learns who may see whom.
    pub(in crate::actors) presence: PresenceHandle,
    /// Refuses access tokens.
    pub(in crate::actors) refused: Arc<RefusedTokens>,
}

impl Listeners {
    /// Acts on effects, in their order. From the return on, the tokens of what has ended are refused.
    pub(super) fn act_on(&self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::LoginsEnded { user, logins, end, closes_all } => {
                    self.refused.refuse_logins(&logins);
                    if closes_all {
                        self.registry.end_user(user, end);
                    } else {
                        self.registry.end_logins(user, &logins, end);
                    }
                }
                Effect::AccountDeleted { user, until } => {
                    self.refused.refuse_user(user, until);
                    self.registry.end_user(user, LoginEnd::Deleted);
                    self.presence.reconsider(user, None);
                }
                Effect::VisibilityChanged { user, other } => self.presence.reconsider(user, other),
            }
        }
    }
}

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

    /// Adds a resync: some events cannot be announced, and sockets read them from the store.
    pub(super) fn resync(&mut self) {
        self.deliveries.push(Delivery::Resync);
    }

    /// Adds the outcome of one command. A refusal is sent at once.
    pub(super) fn add(&mut self, outcome: Outcome, reply: PendingReply) {
        let Outcome { answer, events } = outcome;
        match answer {
            Ok(answer) => {
                if matches!(&answer, Answer::Stored(stored) if !stored.duplicate) {
                    metrics().messages_stored.increment(1);
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
        for (to, event) in events {
            let is_own = |reply: &mut Reply| to.includes(reply.origin.user) && !matches!(reply.answer, Answer::Done);
            let reply = reply.take_if(is_own);
            self.deliveries.push(Delivery::Event { to, event, reply });
        }
        let Some(reply) = reply else { return };
        // A receipt that was merged into a later one of the batch is not answered before that one is announced.
        let is_late = matches!(reply.answer, Answer::Read { .. });
        let to = if is_late { &mut self.late } else { &mut self.deliveries };
        to.push(Delivery::Answer(reply));
    }

    /// Hands all to the registry, acts on the effects of the batch, then gives the requests their answers: what they
    /// have asked for holds by then.
    pub(super) fn send(mut self, effects: Vec<Effect>, listeners: &Listeners) {
        self.deliveries.append(&mut self.late);
        listeners.registry.deliver(self.deliveries);
        listeners.act_on(effects);
        self.callers.into_iter().for_each(CallerReply::send);
    }
}
