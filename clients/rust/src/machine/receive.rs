//! The machine's handling of the server's frames.

use std::time::Duration;

use super::Client;
use crate::frame::{self, Attachment, Message, Receipt, Stored};
use crate::outbox::Renewal;
use crate::{Action, ClientFrame, Cursor, Draft, ErrorFrame, Notice, Pause, ReceiptKind, ServerFrame};

impl Client {
    pub(super) fn receive(&mut self, text: &str, actions: &mut Vec<Action>) {
        let Ok(frame::Incoming { seq, frame }) = frame::parse(text) else {
            return actions.push(Action::Tell(Notice::NotUnderstood));
        };
        let is_known = seq.is_some_and(|seq| !self.progress.is_new(seq));
        match frame {
            ServerFrame::Hello { cursor, limits } => {
                self.outbox.allow(limits.in_flight);
                self.media_bytes = limits.media_bytes;
                actions.extend(self.progress.hello(cursor).map(Action::StartOver));
            }
            ServerFrame::Reset { cursor, .. } => actions.push(Action::StartOver(self.progress.reset(cursor))),
            ServerFrame::Live { cursor } => self.live(&cursor, actions),
            // Replies count whatever their number.
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
            ServerFrame::Typing { user_id, active } => actions.push(Action::Tell(Notice::Typing { user_id, active })),
            ServerFrame::Presence { user_id, status, last_seen } => {
                let is_online = status == "online";
                actions.push(Action::Tell(Notice::Presence { user_id, is_online, last_seen }));
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

    fn live(&mut self, cursor: &Cursor, actions: &mut Vec<Action>) {
        self.progress.live(cursor);
        self.connection.live();
        actions.push(Action::Tell(Notice::Live));
        if !self.watch.is_empty() {
            actions.push(Action::Send(ClientFrame::Presence { watch: self.watch.clone() }));
        }
    }

    /// Handles `stored`. The sending socket gets no `message`: it is made from the draft and the numbers in the reply.
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
            franking_tag: draft.franking_tag,
            report_token: None,
            attachments: draft.attachment_ids.into_iter().map(attachment).collect(),
        })));
    }

    fn message(&mut self, message: Message, seq: Option<u64>, actions: &mut Vec<Action>) {
        if message.sender_id != self.me {
            self.newest_incoming = self.newest_incoming.max(seq.unwrap_or_default());
        } else if let Some(client_id) = &message.client_id {
            // Sent on an earlier socket, which ended before the reply.
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
                actions.push(Action::Tell(Notice::Refused(error)));
            }
        }
    }

    pub(super) fn fail(&mut self, client_id: &str, code: &str, actions: &mut Vec<Action>) {
        if let Some(draft) = self.outbox.fail(client_id, code) {
            self.outbox_has_changed = true;
            actions.push(Action::Tell(Notice::Failed { draft, code: code.to_owned() }));
        }
    }

    /// Holds all messages back, not only the refused one: later messages must not overtake it.
    pub(super) fn send_later(&mut self, wait: Option<Duration>, actions: &mut Vec<Action>) {
        if !std::mem::replace(&mut self.holds_back, true) {
            let pause = wait.map_or_else(|| self.send_backoff.next_pause(), Pause::exactly);
            actions.push(Action::PauseSending(pause));
        }
    }
}

/// Returns a file of an own message, as the server shows it to others.
fn attachment(id: String) -> Attachment {
    Attachment { file_url: format!("/media/{id}"), id, size: None }
}
