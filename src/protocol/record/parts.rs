//! Records as one server tells them to the others: with their numbers and whole messages, in parts of bounded size.

use prost::Message as _;

use super::encode::{effects, encode_body, entry};
use super::{RecordError, decode, wire};
use crate::domain::{EventBody, Record, RecordedEvent, Seq, Timestamp};

/// Largest event that is told whole, in bytes; a larger message is told by its number.
const MAX_EVENT: usize = 8 * 1024;
/// Most bytes of a list's item besides its contents: its key and its length.
const ITEM: usize = 8;
/// Room for the version, the numbers and the origin.
const HEAD: usize = 64;

/// A record, and who tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncedRecord {
    /// The run of the server that has committed it.
    pub boot: i64,
    /// The name of the batch in the journal, by which a history that has another one in its place is recognised.
    pub nonce: i64,
    /// When it was committed.
    pub at: Timestamp,
    /// The time stamp of its last number, behind which the store goes on; `None` in a part that others follow, and
    /// from a server that does not say it.
    pub clock: Option<Timestamp>,
    /// What has happened.
    pub record: Record,
}

/// Returns a record in parts whose numbers join, each of at most `limit` bytes if that is possible: a part is cut off
/// where a number ends. Effects are in the last one. Servers of this level can read them.
#[must_use]
pub fn encode_parts(announced: AnnouncedRecord, limit: usize, level: i32) -> Vec<Vec<u8>> {
    let AnnouncedRecord { boot, nonce, at, clock, mut record } = announced;
    for event in &mut record.events {
        make_small(event);
    }
    let effects = effects(&record, level);
    let Record { first: base, last: end, events, .. } = record;
    let events: Vec<wire::Entry> = events.into_iter().map(|event| entry(base, event)).collect();
    let (mut parts, mut first) = (Vec::new(), base);
    let mut part: Vec<wire::Entry> = Vec::new();
    let mut size = HEAD + effects.iter().map(|effect| ITEM + effect.encoded_len()).sum::<usize>();
    let of_effects = size;
    let mut finish = |first: Seq, last: Seq, mut events: Vec<wire::Entry>, effects| {
        let skipped = u32::try_from(first.0 - base.0).unwrap_or(0);
        for event in &mut events {
            event.offset -= skipped;
        }
        let clock = clock.filter(|_| last == end).map(Timestamp::as_micros);
        let origin = wire::Origin { first: first.0, last: last.0, boot, at: at.as_micros(), nonce, clock };
        parts.push(encode_body(wire::Body { events, effects, origin: Some(origin), messages: None }, level));
    };
    // What has one number stays together.
    let of_numbers = events.chunk_by(|a, b| a.offset == b.offset);
    let numbers: Vec<_> = of_numbers
        .filter_map(|of_one| {
            let bytes = of_one.iter().map(|event| ITEM + event.encoded_len()).sum::<usize>();
            Some((of_one.first()?.offset, of_one.len(), bytes))
        })
        .collect();
    let mut events = events.into_iter();
    for (offset, count, bytes) in numbers {
        if size + bytes > limit && !part.is_empty() {
            let before = Seq(base.0 + i64::from(offset) - 1);
            finish(first, before, std::mem::take(&mut part), Vec::new());
            (first, size) = (Seq(before.0 + 1), of_effects);
        }
        size += bytes;
        part.extend(events.by_ref().take(count));
    }
    finish(first, end, part, effects);
    parts
}

/// Replaces a message that is too large by its number.
fn make_small(event: &mut RecordedEvent) {
    let RecordedEvent::Other { event: whole, .. } = event else { return };
    let EventBody::Message(message) = &whole.body else { return };
    let texts = [&message.sender_copy, &message.receiver_copy, &message.message_type];
    let bytes = texts.into_iter().chain(&message.client_id).map(String::len).sum::<usize>();
    if bytes > MAX_EVENT {
        *event = RecordedEvent::Message { seq: whole.seq, sender: message.sender, receiver: message.receiver };
    }
}

/// Reads what [`encode_parts`] has written.
pub fn decode_part(bytes: &[u8]) -> Result<AnnouncedRecord, RecordError> {
    let mut body = decode::body(bytes)?;
    let wire::Origin { first, last, boot, at, nonce, clock } = body.origin.take().ok_or(RecordError::Malformed)?;
    let (first, last) = (Seq(first), Seq(last));
    // Numbers begin at 1. Far fewer than this are in a batch.
    if first.0 < 1 || last < first || last.0 - first.0 > i64::from(u32::MAX) {
        return Err(RecordError::Malformed);
    }
    let (at, clock) = (Timestamp::from_micros(at), clock.map(Timestamp::from_micros));
    Ok(AnnouncedRecord { boot, nonce, at, clock, record: decode::record(first, last, body)? })
}
