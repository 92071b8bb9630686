//! What the person does.

use std::time::Duration;

use fluent_client::{Draft, Event};
use tokio::time::Instant;

use super::{Chat, LAST_WAIT};
use crate::command::{Command, HELP};
use crate::terminal::{self, Input};
use crate::wire::Report;
use crate::{keys, seal};

/// Least time between two words about one's writing. Less than a partner waits for the next, and more than the server
/// lets pass: what it drops would be missing.
const TYPING_EVERY: Duration = Duration::from_secs(4);

impl Chat {
    /// Handles an input; nothing when there will be no more.
    pub(super) fn typed(&mut self, input: Option<Input>) -> anyhow::Result<()> {
        match input {
            Some(Input::Line(line)) => self.obey(&Command::parse(&line))?,
            Some(Input::Keystroke) => self.write(),
            None => self.end(),
        }
        Ok(())
    }

    fn obey(&mut self, command: &Command) -> anyhow::Result<()> {
        match *command {
            Command::Send(text) => self.send(text)?,
            Command::History => self.link.load_older(self.partner.id, self.screen.oldest()),
            Command::SendFile(path) => self.send_file(path),
            Command::Save(id) => self.save_files(id),
            // Of another conversation there is nothing on the screen that would tell what is deleted.
            Command::Delete(id, scope) if self.screen.shows(id) => self.events.push_back(Event::Delete { id, scope }),
            Command::Delete(id, _) => terminal::notice(&format!("there is no message [{id}] on the screen")),
            Command::Report(id, reason) => self.report(id, reason),
            Command::Retry => {
                let failed: Vec<Draft> = self.client.outbox().failed().map(|(draft, _)| draft.clone()).collect();
                for draft in failed {
                    self.link.look_up_receiver(draft);
                }
            }
            Command::Discard => self.events.push_back(Event::DiscardFailed),
            Command::Typing => self.write(),
            Command::Help => HELP.lines().for_each(terminal::notice),
            Command::Quit => self.end(),
            Command::Unknown => terminal::notice("no such command; /help lists them, //text sends /text"),
        }
        Ok(())
    }

    /// Tells the operators of a message. A text has no room for a key, so it proves who has sent it and when.
    fn report(&mut self, id: i64, reason: &'static str) {
        let shown = self.book.message(id).filter(|_| self.screen.shows(id));
        let Some((message, token)) = shown.and_then(|message| Some((message, message.report_token.clone()?))) else {
            return terminal::notice(&format!("there is no message [{id}] of your partner on the screen"));
        };
        self.link.report(Report {
            message_id: message.id,
            conversation_id: message.conversation_id,
            sender_id: message.sender_id,
            timestamp: message.timestamp.clone(),
            token,
            franking_tag: message.franking_tag.clone(),
            reason,
        });
    }

    /// Encrypts a text once and for all.
    fn send(&mut self, text: &str) -> anyhow::Result<()> {
        for piece in keys::split(text) {
            self.events.push_back(Event::Written(seal::seal(piece, &self.keys, &self.partner)?));
        }
        if self.client.is_cut_off() {
            terminal::notice(&format!("kept, to be sent when connected: {text}"));
        }
        Ok(())
    }

    /// The person is writing.
    fn write(&mut self) {
        if self.told_typing.is_none_or(|told| told.elapsed() >= TYPING_EVERY) {
            self.told_typing = Some(Instant::now());
            self.events.push_back(Event::Typing { to: self.partner.id, active: true });
        }
    }

    fn end(&mut self) {
        self.closing.get_or_insert(Instant::now() + LAST_WAIT);
    }
}
