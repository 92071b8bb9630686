//! The messages of a record that are told by their numbers, as columns.

use super::RecordError;
use super::wire::{Body, Entry, Kind, Messages, Stored};

/// Moves the messages that are told by their numbers from the events to the columns.
pub(super) fn pack(body: &mut Body) {
    let mut messages = Messages::default();
    let (mut last, mut last_kept) = (0, None);
    body.events.retain(|Entry { offset, users, kind }| {
        // Behind an event of its own number it stays, so that their order does.
        if let Some(Kind::Stored(Stored { sender, receiver, whole: None })) = kind
            && users.is_empty()
            && last_kept < Some(*offset)
            && let Some(step) = offset.checked_sub(last)
        {
            messages.steps.push(step);
            messages.senders.push(*sender);
            messages.receivers.push(*receiver);
            last = *offset;
            return false;
        }
        last_kept = Some(*offset);
        true
    });
    body.messages = Some(messages).filter(|messages| !messages.steps.is_empty());
}

/// Moves them back among the events, each before others of its number.
pub(super) fn unpack(body: &mut Body) -> Result<(), RecordError> {
    let Some(Messages { steps, senders, receivers }) = body.messages.take() else { return Ok(()) };
    if senders.len() != steps.len() || receivers.len() != steps.len() {
        return Err(RecordError::Malformed);
    }
    let mut others = std::mem::take(&mut body.events).into_iter().peekable();
    let mut offset = 0_u32;
    for (step, (sender, receiver)) in steps.into_iter().zip(senders.into_iter().zip(receivers)) {
        offset = offset.checked_add(step).ok_or(RecordError::Malformed)?;
        while let Some(other) = others.next_if(|other| other.offset < offset) {
            body.events.push(other);
        }
        let kind = Some(Kind::Stored(Stored { sender, receiver, whole: None }));
        body.events.push(Entry { offset, users: Vec::new(), kind });
    }
    body.events.extend(others);
    Ok(())
}
