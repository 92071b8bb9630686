//! What the person is shown.

use std::collections::HashMap;
use std::time::Duration;

use fluent_client::files::FileEntry;
use fluent_client::{Event, Message, Notice, ServerFrame};
use tokio::time::Instant;

use super::{Chat, LAST_WAIT};
use crate::history::PAGE;
use crate::http::CallError;
use crate::screen::time;
use crate::wire::Reported;
use crate::{seal, terminal};

/// A partner who has said nothing more for so long has stopped writing.
const TYPING_LAPSES: Duration = Duration::from_secs(6);

/// Says what has become of a report.
pub(super) fn reported(outcome: Result<Reported, CallError>) {
    terminal::notice(&match outcome {
        Ok(Reported { level }) if level == "content" => "reported, with proof of what it says".to_owned(),
        Ok(_) => "reported, with proof of who has sent it and when".to_owned(),
        Err(error) => format!("not reported: {:#}", anyhow::Error::from(error)),
    });
}

/// Notes the files of a message that is on the screen, for `/save`.
fn note_files(shown: &mut HashMap<i64, Vec<(FileEntry, Option<u64>)>>, message: &Message, files: Vec<FileEntry>) {
    let sizes = message.attachments.iter().map(|attachment| attachment.size);
    if !files.is_empty() {
        shown.insert(message.id, files.into_iter().zip(sizes).collect());
    }
}

impl Chat {
    /// Shows what is new with the partner, of a long conversation its end. What has been shown has been read.
    pub(super) fn show_new(&mut self) -> anyhow::Result<()> {
        if self.reloading.is_some() {
            return Ok(());
        }
        let newest = self.screen.newest();
        let is_new = |message: &&Message| newest.is_none_or(|id| message.id > id);
        let limit = if newest.is_none() { PAGE as usize } else { usize::MAX };
        let new: Vec<&Message> = self.book.with(self.partner.id).rev().take_while(is_new).take(limit).collect();
        for message in new.iter().rev() {
            let mark = (message.sender_id == self.me).then(|| self.book.mark(self.partner.id, message.id));
            let opened = seal::open(message, &self.keys);
            self.screen.show(message, mark, &opened.text)?;
            note_files(&mut self.shown_files, message, opened.files);
        }
        if let Some(read) = new.iter().find(|message| message.sender_id != self.me) {
            self.events.push_back(Event::Seen { partner: self.partner.id, id: read.id });
        }
        Ok(())
    }

    /// Shows a page of messages from before.
    pub(super) fn show_older(&mut self, page: Result<Vec<Message>, CallError>) -> anyhow::Result<()> {
        match page {
            Ok(page) if page.is_empty() => terminal::notice("that is where it begins"),
            Ok(page) => {
                terminal::notice("from before:");
                for message in page {
                    let mark = (message.sender_id == self.me).then(|| self.book.mark(self.partner.id, message.id));
                    let opened = seal::open(&message, &self.keys);
                    self.screen.show(&message, mark, &opened.text)?;
                    note_files(&mut self.shown_files, &message, opened.files);
                }
                terminal::notice("until here");
            }
            Err(error) => terminal::notice(&format!("{:#}", anyhow::Error::from(error))),
        }
        Ok(())
    }

    pub(super) fn show_message(&mut self, id: i64) -> anyhow::Result<()> {
        let Some(message) = self.book.message(id) else { return Ok(()) };
        let (sender, receiver) = (message.sender_id, message.receiver_id);
        if sender == self.me {
            self.closing = self.closing.map(|_| Instant::now() + LAST_WAIT);
        } else if sender == self.partner.id {
            self.typing = None;
        } else {
            let time = time(&message.timestamp);
            terminal::notice(&format!("{time} a message from user {sender} in another conversation"));
        }
        if [sender, receiver].contains(&self.partner.id) { self.show_new() } else { Ok(()) }
    }

    pub(super) fn show_gone(&self, ids: &[i64]) -> anyhow::Result<()> {
        for id in ids.iter().filter(|&&id| self.screen.shows(id)) {
            terminal::say(&format!("         [{id}] is deleted"))?;
        }
        Ok(())
    }

    /// Shows how far the partner is by the newest own message that they have.
    pub(super) fn show_mark(&self, partner: i64, up_to_id: i64) -> anyhow::Result<()> {
        if partner != self.partner.id || self.reloading.is_some() {
            return Ok(());
        }
        let is_it = |message: &&Message| message.sender_id == self.me && message.id <= up_to_id;
        match self.book.with(partner).rev().find(is_it) {
            Some(message) => self.screen.mark(message.id, self.book.mark(partner, message.id)),
            None => Ok(()),
        }
    }

    /// Events that leave nothing on this device.
    pub(super) fn tell_of(&mut self, event: &ServerFrame) -> anyhow::Result<()> {
        let name = self.screen.label().to_owned();
        let (me, partner) = (self.me, self.partner.id);
        match *event {
            ServerFrame::KeyChanged { user_id, ref key_id } if user_id == partner => self.warn_of_key(key_id),
            ServerFrame::KeyChanged { user_id, ref key_id } if user_id == me && *key_id != self.keys.key_id() => {
                terminal::notice("your key was changed elsewhere: new messages cannot be read here");
            }
            ServerFrame::UserDeleted { user_id } if user_id == partner => {
                terminal::notice(&format!("{name} has deleted the account"));
            }
            ServerFrame::Block { user_id, blocked } if user_id == partner => {
                let what = if blocked { "have blocked" } else { "do not block" };
                terminal::notice(&format!("you {what} {name}"));
            }
            // Deleted before, perhaps for oneself only: the answer to a command all the same.
            ServerFrame::Deleted(ref deleted) if deleted.by == Some(me) => self.show_gone(&[deleted.id])?,
            _ => {}
        }
        Ok(())
    }

    /// Warns once of a key. Nobody but the partner can say whether it is theirs.
    pub(super) fn warn_of_key(&mut self, key_id: &str) {
        if self.warned_of.as_deref() == Some(key_id) {
            return;
        }
        self.warned_of = Some(key_id.to_owned());
        let name = self.screen.label();
        terminal::notice(&format!(
            "{name} has another key now, by a new phone or by somebody in between: ask {name} in person"
        ));
    }

    /// What is only told.
    pub(super) fn tell(&mut self, notice: Notice) {
        let name = self.screen.label();
        match notice {
            Notice::Live => {
                terminal::notice("connected");
                self.send_files();
            }
            Notice::Failed { draft, code } => {
                let text = seal::said(&draft, &self.keys);
                terminal::notice(&format!("not sent ({code}): {text}"));
                terminal::notice("/retry sends it again, /discard forgets it");
            }
            Notice::Typing { user_id, active } if user_id == self.partner.id => {
                let is_known = self.typing.is_some_and(|until| Instant::now() < until);
                if active && !is_known {
                    terminal::notice(&format!("{name} is typing …"));
                }
                self.typing = active.then(|| Instant::now() + TYPING_LAPSES);
            }
            Notice::Presence { user_id, is_online, last_seen } if user_id == self.partner.id => {
                let status = if is_online { "online" } else { "offline" };
                let seen = last_seen.map(|seen| format!(", last seen {}", time(&seen))).unwrap_or_default();
                terminal::notice(&format!("{name} is {status}{seen}"));
            }
            Notice::Typing { .. } | Notice::Presence { .. } => {}
            Notice::Refused(error) if error.code == "forbidden" => {
                terminal::notice("not allowed: for everyone you can delete your own messages, within a day");
            }
            Notice::Refused(error) => terminal::notice(&format!("the server says {}: {}", error.code, error.message)),
            Notice::NotConnected => terminal::notice("that takes a connection: try again later"),
            Notice::NotUnderstood => terminal::notice("the server has sent something that is not understood"),
        }
    }

    /// What an earlier chat could not send.
    pub(super) fn remind_of_failed(&mut self) {
        let failed = self.client.outbox().failed();
        let failed: Vec<Notice> =
            failed.map(|(draft, code)| Notice::Failed { draft: draft.clone(), code: code.to_owned() }).collect();
        for notice in failed {
            self.tell(notice);
        }
    }
}
