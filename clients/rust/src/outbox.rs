//! Messages that the server has not stored yet, in the order in which they were written.
//!
//! The whole is kept on disk, ciphertexts included: encryption is randomised, and a resend must carry the same bytes. A
//! message is on disk before it is sent first, and leaves it only when it is stored or the person gives it up.

use std::collections::{HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::frame::Draft;

/// Most sends without an answer, if the server allows so many.
const WINDOW: usize = 32;
/// Times that a message is encrypted anew; more often than this nobody changes their key meanwhile.
const MAX_RENEWALS: u8 = 3;

/// The messages that are not stored yet. Its JSON is for the disk: what a socket has carried is no part of it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Outbox {
    items: VecDeque<Item>,
    /// What the server allows, as it has said.
    #[serde(skip)]
    allowed: Option<usize>,
}

#[derive(Debug, Deserialize, Serialize)]
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

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
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
    pub fn push(&mut self, draft: Draft) {
        self.items.push_back(Item { draft, failed: None, state: State::Waiting, renewals: 0 });
    }

    /// The server bears so many sends without an answer.
    pub(crate) fn allow(&mut self, in_flight: usize) {
        self.allowed = Some(in_flight);
    }

    /// The next message for this socket. One that is being encrypted anew holds up those behind it for the same
    /// receiver, and so does one on its way with another key: it may have to be.
    pub(crate) fn take_next(&mut self) -> Option<Draft> {
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

    /// Returns the number of messages that are still to be stored.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.items.iter().filter(|item| item.failed.is_none()).count()
    }

    /// Whether a writer should pause: 32 messages or more are still to be stored.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.unsent() >= WINDOW
    }

    /// Returns the messages that are still to be stored, in the order in which they were written.
    pub fn waiting(&self) -> impl Iterator<Item = &Draft> {
        self.items.iter().filter(|item| item.failed.is_none()).map(|item| &item.draft)
    }

    /// Returns the messages that have failed, with their error codes.
    pub fn failed(&self) -> impl Iterator<Item = (&Draft, &str)> {
        self.items.iter().filter_map(|item| Some((&item.draft, item.failed.as_deref()?)))
    }

    /// Forgets what has failed.
    pub(crate) fn discard_failed(&mut self) {
        self.items.retain(|item| item.failed.is_none());
    }

    /// The state of each message on this socket, for a snapshot of the machine.
    pub(crate) fn state(&self) -> Value {
        let items = self.items.iter().map(|item| {
            let Item { draft, failed, state, renewals } = item;
            json!({"client_id": draft.client_id, "state": state, "failed": failed, "renewals": renewals})
        });
        json!({"items": items.collect::<Vec<_>>(), "in_flight": self.allowed})
    }

    fn find(&mut self, client_id: &str) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.draft.client_id == client_id)
    }
}

#[cfg(test)]
mod tests;
