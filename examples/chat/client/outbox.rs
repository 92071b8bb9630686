//! Messages that the server has not stored yet, in the order in which they were written.
//!
//! The whole is kept on disk, ciphertexts included: encryption is randomised, and a resend must carry the same bytes. A
//! message is on disk before it is sent first, and leaves it only when it is stored or the person gives it up.

use std::collections::{HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::frame::Draft;

/// Most sends without an answer, if the server allows so many.
const WINDOW: usize = 32;
/// Times that a message is encrypted anew; more often than this nobody changes their key meanwhile.
const MAX_RENEWALS: u8 = 3;

/// See the module.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Outbox {
    items: VecDeque<Item>,
    /// What the server allows, as it has said.
    #[serde(skip)]
    allowed: Option<usize>,
}

#[derive(Deserialize, Serialize)]
struct Item {
    draft: Draft,
    /// The error code for which it is not sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
    #[serde(skip)]
    state: State,
    #[serde(skip)]
    renewals: u8,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Waiting,
    /// This socket has carried it.
    Sent,
    /// It is being encrypted anew.
    Renewing,
}

/// What becomes of a message whose key is stale.
pub(crate) enum Renewal {
    /// It is to be encrypted anew.
    Wanted(Draft),
    /// It was too often.
    GivenUp(Draft),
}

impl Outbox {
    /// Adds a message.
    pub(crate) fn push(&mut self, draft: Draft) {
        self.items.push_back(Item { draft, failed: None, state: State::Waiting, renewals: 0 });
    }

    /// The server bears so many sends without an answer.
    pub(crate) fn allow(&mut self, in_flight: usize) {
        self.allowed = Some(in_flight);
    }

    /// The next message for this socket. One that is being encrypted anew holds up those behind it for the same receiver,
    /// and so does one on its way with another key: it may have to be.
    pub(crate) fn next(&mut self) -> Option<Draft> {
        let window = self.allowed.map_or(WINDOW, |allowed| allowed.clamp(1, WINDOW));
        let sent = self.items.iter().filter(|item| item.state == State::Sent).count();
        if sent >= window {
            return None;
        }
        let mut held_up = HashSet::new();
        let mut sent_with = HashMap::new();
        let item = self.items.iter_mut().filter(|item| item.failed.is_none()).find(|item| {
            let Draft { to, receiver_key_id: key, .. } = &item.draft;
            let has_other_key = sent_with.get(to).is_some_and(|sent| sent != key);
            if item.state == State::Waiting && !has_other_key && !held_up.contains(to) {
                return true;
            }
            if item.state != State::Sent || has_other_key {
                held_up.insert(*to);
            }
            sent_with.insert(*to, key.clone());
            false
        })?;
        item.state = State::Sent;
        Some(item.draft.clone())
    }

    /// The socket is gone: another one will carry what has no answer.
    pub(crate) fn closed(&mut self) {
        for item in self.items.iter_mut().filter(|item| item.state == State::Sent) {
            item.state = State::Waiting;
        }
    }

    /// The server has it: takes it out.
    pub(crate) fn confirm(&mut self, client_id: &str) -> Option<Draft> {
        let index = self.items.iter().position(|item| item.draft.client_id == client_id)?;
        self.items.remove(index).map(|item| item.draft)
    }

    /// It may succeed later.
    pub(crate) fn put_back(&mut self, client_id: &str) {
        if let Some(item) = self.find(client_id) {
            item.state = State::Waiting;
        }
    }

    /// It will not succeed: it stays, marked, until the person decides.
    pub(crate) fn fail(&mut self, client_id: &str, code: &str) -> Option<Draft> {
        let item = self.find(client_id)?;
        item.failed = Some(code.to_owned());
        item.state = State::Waiting;
        Some(item.draft.clone())
    }

    /// The largest of those on their way, which is the one if any was larger than a frame may be.
    pub(crate) fn largest_on_its_way(&self) -> Option<String> {
        let sent = self.items.iter().filter(|item| item.state == State::Sent);
        let size = |item: &&Item| item.draft.receiver_encrypted.len() + item.draft.sender_encrypted.len();
        sent.max_by_key(size).map(|item| item.draft.client_id.clone())
    }

    /// It was encrypted with a key that is not the receiver's any more.
    pub(crate) fn renew(&mut self, client_id: &str) -> Option<Renewal> {
        let item = self.find(client_id)?;
        item.renewals += 1;
        if item.renewals > MAX_RENEWALS {
            return Some(Renewal::GivenUp(item.draft.clone()));
        }
        item.state = State::Renewing;
        Some(Renewal::Wanted(item.draft.clone()))
    }

    /// Puts what was encrypted anew in the place of the old.
    pub(crate) fn replace(&mut self, client_id: &str, draft: Draft) {
        if let Some(item) = self.find(client_id) {
            item.draft = draft;
            item.state = State::Waiting;
            if item.failed.take().is_some() {
                item.renewals = 0;
            }
        }
    }

    /// How many are still to be stored.
    pub(crate) fn unsent(&self) -> usize {
        self.items.iter().filter(|item| item.failed.is_none()).count()
    }

    /// Whether a writer should pause.
    pub(crate) fn is_full(&self) -> bool {
        self.unsent() >= WINDOW
    }

    /// What has failed, and the error codes.
    pub(crate) fn failed(&self) -> impl Iterator<Item = (&Draft, &str)> {
        self.items.iter().filter_map(|item| Some((&item.draft, item.failed.as_deref()?)))
    }

    /// Forgets what has failed.
    pub(crate) fn discard_failed(&mut self) {
        self.items.retain(|item| item.failed.is_none());
    }

    fn find(&mut self, client_id: &str) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.draft.client_id == client_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(number: usize, to: i64) -> Draft {
        Draft {
            client_id: format!("c{number}"),
            to,
            receiver_encrypted: format!("r{number}"),
            sender_encrypted: format!("s{number}"),
            kind: "text".to_owned(),
            receiver_key_id: None,
        }
    }

    fn outbox(length: usize) -> Outbox {
        let mut outbox = Outbox::default();
        (0..length).for_each(|number| outbox.push(draft(number, 2)));
        outbox
    }

    fn send_all(outbox: &mut Outbox) -> Vec<String> {
        std::iter::from_fn(|| outbox.next().map(|draft| draft.client_id)).collect()
    }

    #[test]
    fn what_has_no_answer_is_sent_again_in_order_with_the_same_bytes() {
        let mut outbox = outbox(4);
        let first: Vec<Draft> = std::iter::from_fn(|| outbox.next()).collect();
        assert_eq!(outbox.confirm("c1"), Some(draft(1, 2)));
        assert_eq!(outbox.confirm("c1"), None);
        outbox.closed();
        let again: Vec<Draft> = std::iter::from_fn(|| outbox.next()).collect();
        assert_eq!(again, [first[0].clone(), first[2].clone(), first[3].clone()]);
    }

    #[test]
    fn a_restart_changes_nothing() {
        let mut before = outbox(3);
        send_all(&mut before);
        before.fail("c1", "blocked");
        let mut after: Outbox = serde_json::from_str(&serde_json::to_string(&before).unwrap()).unwrap();
        assert_eq!(after.failed().collect::<Vec<_>>(), [(&draft(1, 2), "blocked")]);
        assert_eq!(std::iter::from_fn(|| after.next()).collect::<Vec<_>>(), [draft(0, 2), draft(2, 2)]);
        after.discard_failed();
        assert_eq!(after.failed().count(), 0);
        assert_eq!(after.unsent(), 2);
    }

    #[test]
    fn the_window_moves_with_answers() {
        let mut outbox = outbox(WINDOW + 2);
        assert!(outbox.is_full());
        assert_eq!(send_all(&mut outbox).len(), WINDOW);
        outbox.confirm("c0");
        assert_eq!(send_all(&mut outbox), [format!("c{WINDOW}")]);
        outbox.closed();
        outbox.allow(2);
        assert_eq!(send_all(&mut outbox), ["c1", "c2"]);
        outbox.put_back("c2");
        assert_eq!(send_all(&mut outbox), ["c2"]);
    }

    #[test]
    fn a_stale_key_holds_up_the_same_receiver_only() {
        let mut outbox = outbox(2);
        outbox.push(draft(2, 3));
        assert_eq!(outbox.next().unwrap().client_id, "c0");
        assert!(matches!(outbox.renew("c0"), Some(Renewal::Wanted(old)) if old == draft(0, 2)));
        assert_eq!(send_all(&mut outbox), ["c2"]);
        outbox.replace("c0", draft(9, 2));
        assert_eq!(send_all(&mut outbox), ["c9", "c1"]);
        for _ in 1..MAX_RENEWALS {
            assert!(matches!(outbox.renew("c9"), Some(Renewal::Wanted(_))));
        }
        assert!(matches!(outbox.renew("c9"), Some(Renewal::GivenUp(_))));
        outbox.fail("c9", "stale_key");
        outbox.replace("c9", draft(10, 2));
        assert_eq!(outbox.failed().count(), 0, "the person has tried again");
        assert!(matches!(outbox.renew("c10"), Some(Renewal::Wanted(_))));
    }

    #[test]
    fn a_new_key_overtakes_nothing_that_is_on_its_way_with_the_old() {
        let with_key = |n, key: &str| Draft { receiver_key_id: Some(key.to_owned()), ..draft(n, 2) };
        let mut outbox = Outbox::default();
        outbox.push(with_key(0, "old"));
        outbox.push(with_key(1, "old"));
        assert_eq!(send_all(&mut outbox), ["c0", "c1"]);
        // The first is refused, encrypted anew, and sent; the answer to the second is still to come.
        outbox.renew("c0");
        outbox.replace("c0", with_key(10, "new"));
        // Written before the new key was known, and after.
        outbox.push(with_key(2, "old"));
        outbox.push(with_key(3, "new"));
        outbox.push(draft(4, 3));
        assert_eq!(send_all(&mut outbox), ["c10", "c4"]);
        outbox.renew("c1");
        outbox.replace("c1", with_key(11, "new"));
        assert_eq!(send_all(&mut outbox), ["c11"]);
        outbox.confirm("c10");
        assert!(send_all(&mut outbox).is_empty());
        outbox.confirm("c11");
        assert_eq!(send_all(&mut outbox), ["c2"]);
        outbox.renew("c2");
        outbox.replace("c2", with_key(12, "new"));
        assert_eq!(send_all(&mut outbox), ["c12", "c3"]);
    }

    #[test]
    fn the_largest_on_its_way_is_the_one_that_was_too_large() {
        let mut outbox = outbox(2);
        outbox.push(Draft { receiver_encrypted: "x".repeat(99), ..draft(2, 2) });
        assert_eq!(outbox.largest_on_its_way(), None);
        send_all(&mut outbox);
        assert_eq!(outbox.largest_on_its_way().as_deref(), Some("c2"));
    }
}
