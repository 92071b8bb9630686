//! Read positions: how far the person has read with each partner, until the server has confirmed it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::frame::ClientFrame;

/// Prefix of the `ref` of a `read`, before the ids of the partner and the message.
const PREFIX: &str = "read-";

/// The positions of the person with each partner.
#[derive(Default, Serialize)]
pub(crate) struct Reads {
    partners: BTreeMap<i64, Position>,
}

#[derive(Default, Serialize)]
struct Position {
    up_to: i64,
    answered: i64,
    /// The position that was sent on this socket.
    sent: i64,
}

impl Reads {
    /// Records that the person has seen the partner's message `id`, and those before it.
    pub(crate) fn seen(&mut self, partner: i64, id: i64) {
        let position = self.partners.entry(partner).or_default();
        position.up_to = position.up_to.max(id);
    }

    /// Returns the next frame for this socket.
    pub(crate) fn take_next(&mut self) -> Option<ClientFrame> {
        let news = |position: &Position| position.up_to > position.sent.max(position.answered);
        let (&partner_id, position) = self.partners.iter_mut().find(|(_, position)| news(position))?;
        position.sent = position.up_to;
        Some(ClientFrame::Read {
            partner_id,
            up_to_id: position.up_to,
            reference: reference(partner_id, position.up_to),
        })
    }

    /// Handles the reply or error to the frame with this `ref`. The server may lower the position to what exists: the
    /// position of the request counts here, and a later one has its own reply.
    pub(crate) fn answered(&mut self, reference: Option<&Value>) {
        if let Some((position, up_to)) = self.find(reference) {
            position.answered = position.answered.max(up_to);
        }
    }

    /// Makes the frame with this `ref` be sent again. Returns `false` when it is no `read`.
    pub(crate) fn put_back(&mut self, reference: Option<&Value>) -> bool {
        let found = self.find(reference);
        found.map(|(position, _)| position.sent = position.answered).is_some()
    }

    /// Handles the end of the socket.
    pub(crate) fn closed(&mut self) {
        for position in self.partners.values_mut() {
            position.sent = position.answered;
        }
    }

    fn find(&mut self, reference: Option<&Value>) -> Option<(&mut Position, i64)> {
        let (partner, up_to) = reference?.as_str()?.strip_prefix(PREFIX)?.split_once('-')?;
        let position = self.partners.get_mut(&partner.parse().ok()?)?;
        Some((position, up_to.parse().ok()?))
    }
}

fn reference(partner: i64, up_to: i64) -> String {
    format!("{PREFIX}{partner}-{up_to}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up_to(reads: &mut Reads) -> Vec<i64> {
        std::iter::from_fn(|| reads.take_next())
            .map(|frame| match frame {
                ClientFrame::Read { up_to_id, .. } => up_to_id,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn a_position_is_sent_until_it_is_answered() {
        let mut reads = Reads::default();
        reads.seen(2, 9);
        reads.seen(2, 5);
        assert_eq!(up_to(&mut reads), [9]);
        assert!(up_to(&mut reads).is_empty());
        reads.closed();
        assert_eq!(up_to(&mut reads), [9]);
        assert!(reads.put_back(Some(&"read-2-9".into())));
        assert_eq!(up_to(&mut reads), [9]);
        reads.answered(Some(&"read-2-9".into()));
        reads.closed();
        assert!(up_to(&mut reads).is_empty());
        reads.seen(2, 10);
        assert_eq!(up_to(&mut reads), [10]);
        assert!(!reads.put_back(Some(&7.into())));
        assert!(!reads.put_back(Some(&"read-2".into())));
        assert!(!reads.put_back(None));
    }

    #[test]
    fn an_answer_is_for_its_own_position() {
        let mut reads = Reads::default();
        reads.seen(2, 9);
        assert_eq!(up_to(&mut reads), [9]);
        reads.seen(2, 10);
        assert_eq!(up_to(&mut reads), [10]);
        reads.answered(Some(&"read-2-9".into()));
        reads.closed();
        assert_eq!(up_to(&mut reads), [10], "the answer to this one is lost");
        reads.answered(Some(&"read-2-10".into()));
        reads.answered(Some(&"read-2-9".into()));
        reads.closed();
        assert!(up_to(&mut reads).is_empty());
    }
}
