//! The state machine.

mod receive;

use std::time::Duration;

use serde_json::{Value, json};

use crate::connection::{Connection, Step};
use crate::progress::Progress;
use crate::reads::Reads;
use crate::{Action, Backoff, ClientFrame, Cursor, DeleteFor, Event, Notice, Outbox};

/// The code of 1009: a frame was larger than the server takes.
const TOO_LARGE: u16 = 1009;

/// A client of one device of one user: [`Event`]s go in, [`Action`]s come out. It does no I/O and reads no clock.
pub struct Client {
    me: i64,
    /// The users whose presence is watched.
    watch: Vec<i64>,
    connection: Connection,
    progress: Progress,
    outbox: Outbox,
    outbox_has_changed: bool,
    reads: Reads,
    /// The newest event that holds a message for this user.
    newest_incoming: u64,
    /// The position of the last `delivered` on this socket.
    said_delivered: Option<u64>,
    /// Whether sending waits for [`Event::SendingResumed`].
    holds_back: bool,
    send_backoff: Backoff,
    /// The server's limit of a file, once it is known.
    media_bytes: Option<u64>,
}

impl Client {
    /// Makes a client of the user `me` that watches the presence of `watch`, with the cursor and the outbox from disk.
    #[must_use]
    pub fn new(me: i64, watch: Vec<i64>, cursor: Option<Cursor>, outbox: Outbox) -> Self {
        Self {
            me,
            watch,
            connection: Connection::new(),
            progress: Progress::new(cursor),
            outbox,
            outbox_has_changed: false,
            reads: Reads::default(),
            newest_incoming: 0,
            said_delivered: None,
            holds_back: false,
            send_backoff: Backoff::default(),
            media_bytes: None,
        }
    }

    /// Returns the most bytes of a file that the server takes; `None` before its `hello`, and where it takes none.
    #[must_use]
    pub fn media_bytes(&self) -> Option<u64> {
        self.media_bytes
    }

    /// Returns whether there is neither a connection nor an attempt, so that written messages must wait.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.connection.is_waiting()
    }

    /// Returns whether all missed events have arrived and frames are sent at once.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.connection.is_live()
    }

    /// Returns the messages that are not stored yet.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Handles an event, and returns the actions to carry out, in this order.
    pub fn on(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Start => {
                let step = self.connection.start();
                self.take(step, &mut actions);
            }
            Event::Refused(refusal) => {
                let step = self.connection.refused(refusal);
                self.take(step, &mut actions);
            }
            Event::Received(text) => self.receive(&text, &mut actions),
            Event::Closed { code, reason, held } => self.closed(code, &reason, held, &mut actions),
            Event::PauseEnded => {
                if let Some(step) = self.connection.waited() {
                    self.take(step, &mut actions);
                }
            }
            Event::Refreshed(outcome) => {
                let step = self.connection.refreshed(outcome);
                self.take(step, &mut actions);
            }
            Event::Reloaded(number) => self.progress.reloaded(number),
            Event::NotReloaded(number) => {
                if self.progress.is_reloading(number) {
                    actions.push(Action::Disconnect);
                    self.closed(None, "", Duration::ZERO, &mut actions);
                }
            }
            Event::Written(draft) => self.change_outbox(|outbox| outbox.push(draft)),
            Event::Renewed { client_id, draft } => self.change_outbox(|outbox| outbox.replace(&client_id, draft)),
            Event::NotRenewed { client_id } => {
                self.outbox.put_back(&client_id);
                self.send_later(None, &mut actions);
            }
            Event::NotEncryptable { client_id, why } => self.fail(&client_id, &why, &mut actions),
            Event::DiscardFailed => self.change_outbox(Outbox::discard_failed),
            Event::SendingResumed => self.holds_back = false,
            Event::Seen { partner, id } => self.reads.seen(partner, id),
            Event::Typing { to, active } => {
                if self.connection.is_live() {
                    actions.push(Action::Send(ClientFrame::Typing { to, active }));
                }
            }
            Event::Delete { id, scope } => self.delete(id, scope, &mut actions),
        }
        self.settle(&mut actions);
        actions
    }

    /// Returns a snapshot of the complete state, for traces and for people. Its keys are those of the files under
    /// `vectors/`.
    #[must_use]
    pub fn state(&self) -> Value {
        json!({
            "connection": self.connection,
            "progress": self.progress,
            "outbox": self.outbox.state(),
            "reads": self.reads,
            "newest_incoming": self.newest_incoming,
            "said_delivered": self.said_delivered,
            "holds_back": self.holds_back,
            "send_backoff": self.send_backoff,
        })
    }

    fn change_outbox(&mut self, change: impl FnOnce(&mut Outbox)) {
        change(&mut self.outbox);
        self.outbox_has_changed = true;
    }

    fn delete(&self, id: i64, scope: DeleteFor, actions: &mut Vec<Action>) {
        actions.push(if self.connection.is_live() {
            Action::Send(ClientFrame::Delete { id, scope, reference: format!("delete-{id}") })
        } else {
            Action::Tell(Notice::NotConnected)
        });
    }

    /// Adds actions that save before those that send: the server must not learn of anything that a crash could undo.
    fn settle(&mut self, actions: &mut Vec<Action>) {
        if std::mem::take(&mut self.outbox_has_changed) {
            actions.push(Action::SaveOutbox);
        }
        actions.extend(self.progress.save(self.connection.has_caught_up()).map(Action::SaveCursor));
        if !self.connection.is_live() {
            return;
        }
        if let Some(up_to_seq) = self.progress.kept().map(Cursor::seq).filter(|&seq| seq > 0)
            && self.said_delivered.is_none_or(|said| said < self.newest_incoming)
        {
            self.said_delivered = Some(up_to_seq);
            actions.push(Action::Send(ClientFrame::Delivered { up_to_seq }));
        }
        if !self.holds_back {
            while let Some(draft) = self.outbox.take_next() {
                actions.push(Action::Send(ClientFrame::Send(draft)));
            }
            while let Some(read) = self.reads.take_next() {
                actions.push(Action::Send(read));
            }
        }
    }

    fn take(&mut self, step: Step, actions: &mut Vec<Action>) {
        actions.push(match step {
            Step::Connect => Action::Connect { since: self.progress.kept().cloned() },
            Step::Wait(pause) => Action::Pause(pause),
            Step::Refresh => Action::Refresh,
            Step::Stop(why) => Action::Stop(why),
        });
    }

    fn closed(&mut self, code: Option<u16>, reason: &str, held: Duration, actions: &mut Vec<Action>) {
        if code == Some(TOO_LARGE)
            && let Some(client_id) = self.outbox.largest_on_its_way()
        {
            self.fail(&client_id, "too_large", actions);
        }
        self.progress.closed();
        self.outbox.closed();
        self.reads.closed();
        self.said_delivered = None;
        let step = self.connection.closed(code, reason, held);
        self.take(step, actions);
    }
}

#[cfg(test)]
mod tests;
