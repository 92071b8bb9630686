//! Messages that the server has not confirmed.

use std::collections::VecDeque;

use super::wire::Draft;

/// Most messages on their way at once; keeps a writer that never pauses from outrunning what it reads.
const WINDOW: usize = 32;

/// Keeps messages, in order, until they come back.
#[derive(Default)]
pub(crate) struct Outbox {
    drafts: VecDeque<Draft>,
    /// How many of them, from the front, this connection has carried.
    sent: usize,
}

impl Outbox {
    /// Adds a message.
    pub(crate) fn push(&mut self, draft: Draft) {
        self.drafts.push_back(draft);
    }

    /// The next message to be sent on this connection, as long as not too many are on their way.
    pub(crate) fn next(&mut self) -> Option<&Draft> {
        if self.sent == WINDOW {
            return None;
        }
        let draft = self.drafts.get(self.sent)?;
        self.sent += 1;
        Some(draft)
    }

    /// A new connection has carried nothing.
    pub(crate) fn reconnected(&mut self) {
        self.sent = 0;
    }

    /// Forgets the message that has come back as `own_copy`; `false` when there is none, as when another device sent
    /// it.
    pub(crate) fn confirm(&mut self, own_copy: &str) -> bool {
        let found = self.drafts.iter().position(|draft| draft.sender_encrypted == own_copy);
        found.is_some_and(|index| self.remove(index))
    }

    /// Forgets the oldest message on its way; `false` when there is none.
    pub(crate) fn refuse(&mut self) -> bool {
        self.sent > 0 && self.remove(0)
    }

    /// How many messages are not confirmed.
    pub(crate) fn len(&self) -> usize {
        self.drafts.len()
    }

    /// Whether there is enough to do already.
    pub(crate) fn is_full(&self) -> bool {
        self.drafts.len() >= WINDOW
    }

    fn remove(&mut self, index: usize) -> bool {
        if index < self.sent {
            self.sent -= 1;
        }
        self.drafts.remove(index).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::TEXT;
    use super::*;

    fn outbox(length: usize) -> Outbox {
        let mut outbox = Outbox::default();
        for number in 0..length {
            let (receiver_encrypted, sender_encrypted) = (String::new(), number.to_string());
            outbox.push(Draft { receiver_id: 1, receiver_encrypted, sender_encrypted, kind: TEXT });
        }
        outbox
    }

    fn send_all(outbox: &mut Outbox) -> Vec<String> {
        std::iter::from_fn(|| outbox.next().map(|draft| draft.sender_encrypted.clone())).collect()
    }

    #[test]
    fn the_unconfirmed_are_sent_again_in_order() {
        let mut outbox = outbox(4);
        assert_eq!(send_all(&mut outbox), ["0", "1", "2", "3"]);
        assert!(outbox.confirm("1"));
        assert!(!outbox.confirm("1"));
        outbox.reconnected();
        assert!(outbox.confirm("3"), "found in history");
        assert_eq!(send_all(&mut outbox), ["0", "2"]);
        assert!(outbox.refuse());
        assert_eq!(outbox.len(), 1);
    }

    #[test]
    fn the_window_moves_with_confirmations() {
        let mut outbox = outbox(WINDOW + 2);
        assert!(outbox.is_full());
        assert_eq!(send_all(&mut outbox).len(), WINDOW);
        assert!(outbox.confirm("0"));
        assert_eq!(send_all(&mut outbox), [WINDOW.to_string()]);
    }

    #[test]
    fn nothing_is_refused_that_was_not_sent() {
        assert!(!outbox(1).refuse());
    }
}
