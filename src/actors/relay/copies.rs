//! Which copies of its messages a server tells the others.

use std::sync::Arc;

use crate::domain::{Audience, Event, EventBody, Message, Record, RecordedEvent, UserId, Viewer};

/// Leaves the copies of users out of a record who are not connected elsewhere. A message that nobody there needs is
/// told by its number; so a server where such a user is connected all the same can read it.
pub(super) fn leave_out(record: &mut Record, is_elsewhere: impl Fn(UserId) -> bool) {
    for recorded in &mut record.events {
        let RecordedEvent::Other { to, event } = recorded else { continue };
        let EventBody::Message(message) = &event.body else { continue };
        let needs = |user| to.iter().any(|to| to.includes(user)) && is_elsewhere(user);
        let Message { seq, sender, receiver, .. } = *message;
        let only = match (needs(sender), needs(receiver)) {
            (true, true) => continue,
            (false, false) => {
                *recorded = RecordedEvent::Message { seq, sender, receiver };
                continue;
            }
            (true, false) => sender,
            (false, true) => receiver,
        };
        let body = EventBody::Message(message.read_for(Viewer { user: only }));
        *recorded = RecordedEvent::Other { to: vec![Audience::User(only)], event: Arc::new(Event { seq, body }) };
    }
}

#[cfg(test)]
mod tests;
