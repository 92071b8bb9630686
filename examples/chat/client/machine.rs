//! The state machine.

use std::time::Duration;

use super::connection::{Connection, Step};
use super::cursor::Progress;
use super::frame::{self, Message, Receipt, Stored};
use super::outbox::Renewal;
use super::reads::Reads;
use super::{
    Action, Backoff, ClientFrame, Cursor, Draft, ErrorFrame, Event, News, Outbox, Pause, ReceiptKind, ServerFrame,
};

/// The code of 1009: a frame was larger than the server takes.
const TOO_LARGE: u16 = 1009;

/// See the module above.
pub(crate) struct Client {
    me: i64,
    /// Whose presence is of interest.
    watch: Vec<i64>,
    connection: Connection,
    progress: Progress,
    outbox: Outbox,
    outbox_has_changed: bool,
    reads: Reads,
    /// The newest event that holds a message for this user.
    newest_incoming: u64,
    /// What `delivered` has said on this socket.
    said_delivered: Option<u64>,
    /// Sending waits for [`Event::SendAgain`].
    holds_back: bool,
    send_backoff: Backoff,
}

impl Client {
    /// A client of the user `me`, with what is on disk.
    pub(crate) fn new(me: i64, watch: Vec<i64>, cursor: Option<Cursor>, outbox: Outbox) -> Self {
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
        }
    }

    /// Whether what is written has to wait for another attempt.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.connection.is_waiting()
    }

    /// What is not stored yet.
    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Takes in what has happened; answers what is to be done.
    pub(crate) fn on(&mut self, event: Event) -> Vec<Action> {
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
            Event::Waited => {
                if let Some(step) = self.connection.waited() {
                    self.take(step, &mut actions);
                }
            }
            Event::Refreshed(outcome) => {
                let step = self.connection.refreshed(outcome);
                self.take(step, &mut actions);
            }
            Event::Reloaded(number) => {
                self.progress.reloaded(number);
            }
            Event::NotReloaded(number) => {
                if self.progress.is_reloading(number) {
                    actions.push(Action::Disconnect);
                    self.closed(None, "", Duration::ZERO, &mut actions);
                }
            }
            Event::Written(draft) => {
                self.outbox.push(draft);
                self.outbox_has_changed = true;
            }
            Event::Renewed { client_id, draft } => {
                self.outbox.replace(&client_id, draft);
                self.outbox_has_changed = true;
            }
            Event::NotRenewed { client_id } => {
                self.outbox.put_back(&client_id);
                self.send_later(None, &mut actions);
            }
            Event::NotEncryptable { client_id, why } => self.fail(&client_id, &why, &mut actions),
            Event::DiscardFailed => {
                self.outbox.discard_failed();
                self.outbox_has_changed = true;
            }
            Event::SendAgain => self.holds_back = false,
            Event::Seen { partner, id } => self.reads.seen(partner, id),
            Event::Typing { to, active } => {
                if self.connection.is_live() {
                    actions.push(Action::Send(ClientFrame::Typing { to, active }));
                }
            }
            Event::Delete { id, whom } if self.connection.is_live() => {
                actions.push(Action::Send(ClientFrame::Delete { id, whom, reference: format!("delete-{id}") }));
            }
            Event::Delete { .. } => actions.push(Action::Tell(News::NotConnected)),
        }
        self.settle(&mut actions);
        actions
    }

    /// Saves first, then speaks: nobody may be told of what a crash could undo.
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
            while let Some(draft) = self.outbox.next() {
                actions.push(Action::Send(ClientFrame::Send(draft)));
            }
            while let Some(read) = self.reads.next() {
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

    fn receive(&mut self, text: &str, actions: &mut Vec<Action>) {
        let Ok(frame::Incoming { seq, frame }) = frame::parse(text) else {
            return actions.push(Action::Tell(News::NotUnderstood));
        };
        let is_known = seq.is_some_and(|seq| !self.progress.is_new(seq));
        match frame {
            ServerFrame::Hello { cursor, limits } => {
                self.outbox.allow(limits.in_flight);
                actions.extend(self.progress.hello(cursor).map(Action::StartOver));
            }
            ServerFrame::Reset { cursor, .. } => actions.push(Action::StartOver(self.progress.reset(cursor))),
            ServerFrame::Live { cursor } => self.live(cursor, actions),
            // Answers count whatever their number.
            ServerFrame::Stored(stored) => self.stored(stored, actions),
            ServerFrame::Error(error) => self.refused(error, actions),
            ServerFrame::Receipt(receipt) => self.receipt(receipt, actions),
            _ if is_known => {}
            ServerFrame::Message(message) => self.message(message, seq, actions),
            ServerFrame::Deleted(_)
            | ServerFrame::DeletedBefore { .. }
            | ServerFrame::KeyChanged { .. }
            | ServerFrame::UserDeleted { .. }
            | ServerFrame::Block { .. } => actions.push(Action::Keep(frame)),
            ServerFrame::Typing { user_id, active } => actions.push(Action::Tell(News::Typing { user_id, active })),
            ServerFrame::Presence { user_id, status, last_seen } => {
                let is_online = status == "online";
                actions.push(Action::Tell(News::Presence { user_id, is_online, last_seen }));
            }
            ServerFrame::GoingAway { reconnect_after_ms } => {
                self.connection.going_away(Duration::from_millis(reconnect_after_ms));
            }
            ServerFrame::Unknown => {}
        }
        if let Some(seq) = seq {
            self.progress.keep(seq);
        }
    }

    fn live(&mut self, cursor: Cursor, actions: &mut Vec<Action>) {
        self.progress.live(cursor);
        self.connection.live();
        actions.push(Action::Tell(News::Live));
        if !self.watch.is_empty() {
            actions.push(Action::Send(ClientFrame::Presence { watch: self.watch.clone() }));
        }
    }

    /// The sending socket gets no `message`: what was sent, and where it was put, make it up.
    fn stored(&mut self, stored: Stored, actions: &mut Vec<Action>) {
        let Some(draft) = self.confirm(&stored.client_id) else { return };
        self.send_backoff.reset();
        actions.push(Action::Keep(ServerFrame::Message(Message {
            seq: stored.seq,
            id: stored.id,
            conversation_id: stored.conversation_id,
            sender_id: self.me,
            receiver_id: draft.to,
            content: draft.sender_encrypted,
            kind: draft.kind,
            timestamp: stored.timestamp,
            client_id: Some(stored.client_id),
            expires_at: None,
        })));
    }

    fn message(&mut self, message: Message, seq: Option<u64>, actions: &mut Vec<Action>) {
        if message.sender_id != self.me {
            self.newest_incoming = self.newest_incoming.max(seq.unwrap_or_default());
        } else if let Some(client_id) = &message.client_id {
            // Sent on an earlier socket, which did not live to see the answer.
            self.confirm(client_id);
        }
        actions.push(Action::Keep(ServerFrame::Message(message)));
    }

    fn confirm(&mut self, client_id: &str) -> Option<Draft> {
        let draft = self.outbox.confirm(client_id)?;
        self.outbox_has_changed = true;
        Some(draft)
    }

    fn receipt(&mut self, receipt: Receipt, actions: &mut Vec<Action>) {
        if receipt.user_id == self.me && receipt.kind == ReceiptKind::Read {
            self.reads.answered(receipt.reference.as_ref());
        }
        actions.push(Action::Keep(ServerFrame::Receipt(receipt)));
    }

    fn refused(&mut self, error: ErrorFrame, actions: &mut Vec<Action>) {
        let wait = error.retry_after_ms.map(Duration::from_millis);
        match &error.client_id {
            Some(client_id) if error.retryable => {
                self.outbox.put_back(client_id);
                self.send_later(wait, actions);
            }
            Some(client_id) if error.code == "stale_key" => match self.outbox.renew(client_id) {
                Some(Renewal::Wanted(draft)) => actions.push(Action::Renew(draft)),
                Some(Renewal::GivenUp(draft)) => self.fail(&draft.client_id, &error.code, actions),
                None => {}
            },
            Some(client_id) => self.fail(client_id, &error.code, actions),
            None if error.retryable && self.reads.put_back(error.reference.as_ref()) => self.send_later(wait, actions),
            None => {
                self.reads.answered(error.reference.as_ref());
                actions.push(Action::Tell(News::Refused(error)));
            }
        }
    }

    fn fail(&mut self, client_id: &str, code: &str, actions: &mut Vec<Action>) {
        if let Some(draft) = self.outbox.fail(client_id, code) {
            self.outbox_has_changed = true;
            actions.push(Action::Tell(News::Failed { draft, code: code.to_owned() }));
        }
    }

    /// Holds everything back, not only what was refused: later messages must not overtake it.
    fn send_later(&mut self, wait: Option<Duration>, actions: &mut Vec<Action>) {
        if !std::mem::replace(&mut self.holds_back, true) {
            let pause = wait.map_or_else(|| self.send_backoff.next(), Pause::exactly);
            actions.push(Action::SendLater(pause));
        }
    }
}

#[cfg(test)]
mod tests;
