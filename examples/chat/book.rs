//! The messages on this device and what has become of them, made of the events that were kept.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use fluent_client::{Deleted, Message, Receipt, ReceiptKind, ServerFrame};

use crate::marks::{Mark, Marks};

/// See the module.
pub(crate) struct Book {
    me: i64,
    /// By id, which is the order in which they were stored.
    messages: BTreeMap<i64, Message>,
    /// What was deleted must not come back with an answer that was late.
    gone: BTreeMap<i64, Deleted>,
    marks: Marks,
}

/// What an event has changed.
#[derive(Debug, PartialEq)]
pub(crate) enum Change {
    /// A message that was not there.
    Message(i64),
    /// These are gone, whether they were here or not.
    Gone(Vec<i64>),
    /// This partner has received or read what was sent, up to this message.
    Marks { partner: i64, up_to_id: i64 },
}

impl Book {
    /// An empty one of the user `me`.
    pub(crate) fn new(me: i64) -> Self {
        Self { me, messages: BTreeMap::new(), gone: BTreeMap::new(), marks: Marks::default() }
    }

    /// Takes in an event. The same again changes nothing.
    pub(crate) fn enter(&mut self, event: &ServerFrame) -> Option<Change> {
        match event {
            ServerFrame::Message(message) => {
                if self.messages.contains_key(&message.id) || self.gone.contains_key(&message.id) {
                    return None;
                }
                self.messages.insert(message.id, message.clone());
                Some(Change::Message(message.id))
            }
            ServerFrame::Receipt(receipt) if receipt.user_id != self.me => {
                let change = Change::Marks { partner: receipt.user_id, up_to_id: receipt.up_to_id };
                self.marks.apply(receipt).then_some(change)
            }
            ServerFrame::Deleted(deleted) => {
                self.messages.remove(&deleted.id);
                let is_new = self.gone.insert(deleted.id, deleted.clone()).is_none();
                is_new.then(|| Change::Gone(vec![deleted.id]))
            }
            ServerFrame::DeletedBefore { timestamp } => {
                let end = timestamp.parse::<Timestamp>().ok()?;
                let is_older =
                    |message: &Message| message.timestamp.parse().is_ok_and(|moment: Timestamp| moment < end);
                let old: BTreeSet<i64> =
                    self.messages.values().filter(|message| is_older(message)).map(|message| message.id).collect();
                self.messages.retain(|id, _| !old.contains(id));
                (!old.is_empty()).then(|| Change::Gone(old.into_iter().collect()))
            }
            _ => None,
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.me);
    }

    /// The messages with a partner, oldest first.
    pub(crate) fn with(&self, partner: i64) -> impl DoubleEndedIterator<Item = &Message> {
        let sides = [(self.me, partner), (partner, self.me)];
        self.messages.values().filter(move |message| sides.contains(&(message.sender_id, message.receiver_id)))
    }

    /// The message with this id.
    pub(crate) fn message(&self, id: i64) -> Option<&Message> {
        self.messages.get(&id)
    }

    /// Of an own message to this partner.
    pub(crate) fn mark(&self, partner: i64, id: i64) -> Mark {
        self.marks.of(partner, id)
    }

    /// The events of which this book could be made again.
    pub(crate) fn events(&self) -> impl Iterator<Item = ServerFrame> {
        let messages = self.messages.values().cloned().map(ServerFrame::Message);
        let gone = self.gone.values().cloned().map(ServerFrame::Deleted);
        let receipts = self.marks.positions().flat_map(|(user_id, positions)| {
            [(ReceiptKind::Delivered, positions.delivered), (ReceiptKind::Read, positions.read)]
                .map(|(kind, up_to_id)| receipt(kind, user_id, self.me, up_to_id))
        });
        messages.chain(gone).chain(receipts)
    }
}

/// The event by which a partner has received or read the messages of the user `me`.
pub(crate) fn receipt(kind: ReceiptKind, partner: i64, me: i64, up_to_id: i64) -> ServerFrame {
    ServerFrame::Receipt(Receipt { kind, user_id: partner, partner_id: me, up_to_id, reference: None })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn message(id: i64, sender_id: i64, receiver_id: i64) -> ServerFrame {
        ServerFrame::Message(Message {
            seq: 100 + id.unsigned_abs(),
            id,
            conversation_id: 1,
            sender_id,
            receiver_id,
            content: format!("content {id}"),
            kind: "text".to_owned(),
            timestamp: format!("2026-11-22T15:00:{id:02}Z"),
            client_id: None,
            expires_at: None,
            franking_tag: None,
            report_token: None,
            attachments: Vec::new(),
        })
    }

    pub(crate) fn receipt(up_to_id: i64) -> ServerFrame {
        super::receipt(ReceiptKind::Read, 2, 1, up_to_id)
    }

    pub(crate) fn deleted(id: i64) -> ServerFrame {
        ServerFrame::Deleted(Deleted { id, partner_id: 2, by: Some(2) })
    }

    fn ids(book: &Book, partner: i64) -> Vec<i64> {
        book.with(partner).map(|message| message.id).collect()
    }

    #[test]
    fn messages_are_entered_once_and_ordered_by_id() {
        let mut book = Book::new(1);
        for id in [3, 1, 2] {
            assert_eq!(book.enter(&message(id, 2, 1)), Some(Change::Message(id)));
        }
        assert_eq!(book.enter(&message(2, 2, 1)), None);
        book.enter(&message(4, 3, 1));
        assert_eq!((ids(&book, 2), ids(&book, 3)), (vec![1, 2, 3], vec![4]));
    }

    #[test]
    fn what_is_deleted_stays_so() {
        let mut book = Book::new(1);
        book.enter(&message(1, 2, 1));
        assert_eq!(book.enter(&deleted(1)), Some(Change::Gone(vec![1])));
        assert_eq!(book.enter(&message(1, 2, 1)), None);
        assert_eq!(book.enter(&deleted(1)), None);
        book.enter(&deleted(2));
        assert_eq!(book.enter(&message(2, 2, 1)), None, "deleted before it came");
        for id in [10, 11, 12] {
            book.enter(&message(id, 2, 1));
        }
        let before = ServerFrame::DeletedBefore { timestamp: "2026-11-22T15:00:11.500Z".to_owned() };
        assert_eq!(book.enter(&before), Some(Change::Gone(vec![10, 11])));
        assert_eq!(ids(&book, 2), [12]);
    }

    #[test]
    fn receipts_of_partners_become_marks() {
        let mut book = Book::new(1);
        book.enter(&message(1, 1, 2));
        assert_eq!(book.mark(2, 1), Mark::Stored);
        assert_eq!(book.enter(&receipt(1)), Some(Change::Marks { partner: 2, up_to_id: 1 }));
        assert_eq!(book.enter(&receipt(1)), None);
        assert_eq!(book.mark(2, 1), Mark::Read);
        let own = super::receipt(ReceiptKind::Read, 1, 2, 9);
        assert_eq!(book.enter(&own), None, "what this user has read is no mark");
    }

    #[test]
    fn a_book_is_made_again_of_its_events() {
        let mut book = Book::new(1);
        for event in [message(1, 2, 1), message(2, 1, 2), deleted(1), receipt(2)] {
            book.enter(&event);
        }
        let mut again = Book::new(1);
        book.events().for_each(|event| drop(again.enter(&event)));
        assert_eq!(ids(&again, 2), [2]);
        assert_eq!(again.mark(2, 2), Mark::Read);
        assert_eq!(again.enter(&message(1, 2, 1)), None);
    }
}
