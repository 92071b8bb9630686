//! Messages that the server has not stored yet, in the order in which they were written.
//!
//! The outbox is kept on disk, ciphertexts included: encryption is randomised, and a resend must carry the same bytes.
//! A message is on disk before it is sent first, and is removed only when it is stored or the person discards it.

use std::collections::{HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::frame::Draft;

/// Most sends without a reply, if the server allows so many.
const WINDOW: usize = 32;
/// Most times that a message is encrypted anew: no user changes the key more often meanwhile.
const MAX_RENEWALS: u8 = 3;

/// The messages that are not stored yet. Its JSON is for the disk, and does not contain what sockets have carried.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Outbox {
    items: VecDeque<Item>,
    /// The server's limit, once it is known.
    #[serde(skip)]
    allowed: Option<usize>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Item {
    draft: Draft,
    /// The error code because of which it is not sent again.
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
    /// It was sent on this socket.
    Sent,
    /// It is being encrypted anew.
    Renewing,
}

/// The decision about a message whose key is stale.
pub(crate) enum Renewal {
    /// It is to be encrypted anew.
    Wanted(Draft),
    /// It was encrypted anew too often.
    GivenUp(Draft),
}

impl Outbox {
    /// Adds a message.
    pub fn push(&mut self, draft: Draft) {
        self.items.push_back(Item { draft, failed: None, state: State::Waiting, renewals: 0 });
    }

    /// Sets the server's limit on sends without a reply.
    pub(crate) fn allow(&mut self, in_flight: usize) {
        self.allowed = Some(in_flight);
    }

    /// Returns the next message for this socket. A message that is being encrypted anew holds up later ones to the same
    /// receiver, and so does one on its way with another key, which may have to be.
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

    /// Handles the end of the socket: the next one will send the messages without a reply.
    pub(crate) fn closed(&mut self) {
        for item in self.items.iter_mut().filter(|item| item.state == State::Sent) {
            item.state = State::Waiting;
        }
    }

    /// Removes a message that the server has stored.
    pub(crate) fn confirm(&mut self, client_id: &str) -> Option<Draft> {
        let index = self.items.iter().position(|item| item.draft.client_id == client_id)?;
        self.items.remove(index).map(|item| item.draft)
    }

    /// Puts back a message that may succeed later.
    pub(crate) fn put_back(&mut self, client_id: &str) {
        if let Some(item) = self.find(client_id) {
            item.state = State::Waiting;
        }
    }

    /// Marks a message as failed. It stays until the person decides.
    pub(crate) fn fail(&mut self, client_id: &str, code: &str) -> Option<Draft> {
        let item = self.find(client_id)?;
        item.failed = Some(code.to_owned());
        item.state = State::Waiting;
        Some(item.draft.clone())
    }

    /// Returns the largest message on its way, which is the one that exceeded the limit of a frame, if any did.
    pub(crate) fn largest_on_its_way(&self) -> Option<String> {
        let sent = self.items.iter().filter(|item| item.state == State::Sent);
        let size = |item: &&Item| item.draft.receiver_encrypted.len() + item.draft.sender_encrypted.len();
        sent.max_by_key(size).map(|item| item.draft.client_id.clone())
    }

    /// Handles a message that was encrypted with a former key of the receiver.
    pub(crate) fn renew(&mut self, client_id: &str) -> Option<Renewal> {
        let item = self.find(client_id)?;
        item.renewals += 1;
        if item.renewals > MAX_RENEWALS {
            return Some(Renewal::GivenUp(item.draft.clone()));
        }
        item.state = State::Renewing;
        Some(Renewal::Wanted(item.draft.clone()))
    }

    /// Replaces a message by its newly encrypted version.
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

    /// Returns whether a writer should pause: 32 messages or more are still to be stored.
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

    /// Removes the failed messages.
    pub(crate) fn discard_failed(&mut self) {
        self.items.retain(|item| item.failed.is_none());
    }

    /// Returns the state of each message on this socket, for a snapshot of the machine.
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
