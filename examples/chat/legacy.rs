//! The conversation in the dialect of the Android app, without cursors and receipts: shows what comes, sends what is
//! typed, and survives lost connections.
//!
//! - The socket is opened before history is read, so nothing falls between the two; what comes both ways is told apart
//!   by its time stamp.
//! - A message counts as sent when it has come back. Its own copy, which no other message has, recognises it, so after
//!   a lost connection exactly those are sent again that history does not hold.

mod outbox;
mod wire;

use std::time::Duration;

use anyhow::{Context as _, ensure};
use fluent_client::Backoff;
use fluent_client::transport::{Closed, Socket};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use crate::api::{Api, MAX_PAGE};
use crate::command::Command;
use crate::http::CallError;
use crate::keys::{self, KeyPair, PartnerKey, RsaKey as _};
use crate::screen::label;
use crate::terminal::{self, Input};
use crate::tls::Connection;
use crate::wire::User;
use outbox::Outbox;
use wire::{Draft, Event, Incoming, Message, TEXT};

/// Messages that are shown of an older conversation.
const FIRST_PAGE: u32 = 20;
/// Longest wait for the next confirmation after the input has ended.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// A conversation with one partner.
pub(crate) struct LegacyChat {
    api: Api,
    me: i64,
    partner: User,
    label: String,
    keys: KeyPair,
    partner_key: PartnerKey,
    input: mpsc::Receiver<Input>,
    outbox: Outbox,
    /// Messages that the server does not want.
    refused: usize,
    /// The newest message on the screen; nothing before the first look at history.
    shown: Option<Timestamp>,
    /// Set when the input has ended: how long confirmations are waited for.
    closing: Option<Instant>,
}

/// Why a socket is no longer talked on.
enum End {
    /// Everything is said.
    Finished,
    /// Another socket may do better; why.
    Broken(String),
}

impl LegacyChat {
    /// A conversation of the user `me`, who types `input`.
    pub(crate) fn new(
        api: Api,
        me: i64,
        partner: User,
        keys: KeyPair,
        partner_key: PartnerKey,
        input: mpsc::Receiver<Input>,
    ) -> Self {
        let label = label(&partner.name);
        let (outbox, refused, shown, closing) = (Outbox::default(), 0, None, None);
        Self { api, me, partner, label, keys, partner_key, input, outbox, refused, shown, closing }
    }

    /// Goes on until the input ends. An error when a message that was typed may not have been stored.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        let mut backoff = Backoff::default();
        loop {
            let trouble = match self.connect().await {
                Ok((socket, missed)) => {
                    let since = Instant::now();
                    match self.talk(socket, &missed).await? {
                        End::Finished => break,
                        End::Broken(trouble) => {
                            backoff.connected_for(since.elapsed());
                            trouble
                        }
                    }
                }
                Err(error) if error.is_transient() => format!("{:#}", anyhow::Error::from(error)),
                Err(error) => return Err(error.into()),
            };
            let wait = backoff.next_pause().draw(rand::random());
            terminal::notice(&format!("{trouble}; next attempt in {:.1} s", wait.as_secs_f32()));
            self.pause(wait).await?;
            if self.is_finished() {
                break;
            }
        }
        let lost = self.outbox.len() + self.refused;
        ensure!(lost == 0, "{lost} of your messages were not confirmed by the server");
        Ok(())
    }

    /// Opens a socket, then reads what the screen lacks. In this order nothing falls between the two: what comes while
    /// history is read waits in the socket.
    async fn connect(&mut self) -> Result<(Socket<Connection>, Vec<Message>), CallError> {
        let socket = self.api.open_legacy_socket().await?;
        let missed = if let Some(shown) = self.shown {
            self.history_since(shown).await?
        } else {
            let mut page = self.history(None, FIRST_PAGE).await?;
            page.reverse();
            page
        };
        Ok((socket, missed))
    }

    /// A page of messages, newest first, ending before the time stamp `before`.
    async fn history(&self, before: Option<&str>, limit: u32) -> Result<Vec<Message>, CallError> {
        self.api.messages(self.partner.id, before.map(|before| ("before", before)), limit).await
    }

    /// Everything that was stored after `since`, oldest first.
    async fn history_since(&self, since: Timestamp) -> Result<Vec<Message>, CallError> {
        let mut found: Vec<Message> = Vec::new();
        loop {
            let before = found.last().map(|oldest| oldest.timestamp.text.clone());
            let page = self.history(before.as_deref(), MAX_PAGE).await?;
            let length = page.len();
            let known = found.len();
            found.extend(page.into_iter().take_while(|message| message.timestamp.moment > since));
            if length == 0 || found.len() < known + length {
                found.reverse();
                return Ok(found);
            }
        }
    }

    async fn talk(&mut self, mut socket: Socket<Connection>, missed: &[Message]) -> anyhow::Result<End> {
        for message in missed {
            self.show(message)?;
        }
        self.shown.get_or_insert(Timestamp::MIN);
        self.outbox.reconnected();
        let end = self.exchange(&mut socket).await?;
        socket.close().await;
        Ok(end)
    }

    async fn exchange(&mut self, socket: &mut Socket<Connection>) -> anyhow::Result<End> {
        loop {
            while let Some(draft) = self.outbox.next() {
                let frame = serde_json::to_string(draft).context("cannot write a message as JSON")?;
                if let Err(closed) = socket.send(frame).await {
                    return broken(closed);
                }
            }
            if self.is_finished() {
                return Ok(End::Finished);
            }
            tokio::select! {
                text = socket.next() => match text {
                    Ok(text) => if let Some(trouble) = self.receive(&text)? {
                        return Ok(End::Broken(trouble));
                    },
                    Err(closed) => return broken(closed),
                },
                typed = self.typed() => typed?,
            }
        }
    }

    /// Waits for another attempt, still reading the input.
    async fn pause(&mut self, wait: Duration) -> anyhow::Result<()> {
        let end = sleep(wait);
        tokio::pin!(end);
        while !self.is_finished() {
            tokio::select! {
                () = &mut end => break,
                typed = self.typed() => typed?,
            }
        }
        Ok(())
    }

    /// Takes the next line of input, or waits for the end of the last wait. Nothing is lost when this is cancelled.
    async fn typed(&mut self) -> anyhow::Result<()> {
        match self.closing {
            Some(deadline) => sleep_until(deadline).await,
            None if self.outbox.is_full() => std::future::pending().await,
            None => match self.input.recv().await {
                Some(Input::Line(line)) => self.obey(&Command::parse(&line))?,
                Some(Input::Keystroke) => {}
                None => self.end(),
            },
        }
        Ok(())
    }

    fn obey(&mut self, command: &Command) -> anyhow::Result<()> {
        match *command {
            Command::Send(text) => return self.write(text),
            Command::Quit => self.end(),
            // Nobody wants a command to reach the partner as a text.
            _ => terminal::notice("the app's dialect knows no command but /quit; //text sends /text"),
        }
        Ok(())
    }

    fn end(&mut self) {
        self.closing = Some(Instant::now() + LAST_WAIT);
    }

    fn is_finished(&self) -> bool {
        self.closing.is_some_and(|deadline| self.outbox.len() == 0 || Instant::now() >= deadline)
    }

    /// Encrypts a line for both sides.
    fn write(&mut self, line: &str) -> anyhow::Result<()> {
        for piece in keys::split(line) {
            self.outbox.push(Draft {
                receiver_id: self.partner.id,
                receiver_encrypted: self.partner_key.encrypt(piece).context("cannot encrypt for your partner")?,
                sender_encrypted: self.keys.encrypt(piece).context("cannot encrypt for yourself")?,
                kind: TEXT,
            });
        }
        Ok(())
    }

    /// Handles a frame; answers a trouble when it takes a new connection to send again.
    fn receive(&mut self, text: &str) -> anyhow::Result<Option<String>> {
        match serde_json::from_str(text) {
            Ok(Incoming::Message(message)) => self.show(&message)?,
            // The frame does not say which message it is about: history will tell which ones are stored.
            Ok(Incoming::Event(Event::Error { message, retryable: true })) => return Ok(Some(message)),
            Ok(Incoming::Event(Event::Error { message, .. })) => {
                terminal::notice(&format!("the server says: {message}"));
                // Answers come in the order of what was sent.
                self.refused += usize::from(self.outbox.refuse());
            }
            Ok(Incoming::Unknown(_)) => {}
            Err(_) => terminal::notice("the server has sent something that is not understood"),
        }
        Ok(None)
    }

    /// Shows a message that is not on the screen yet.
    fn show(&mut self, message: &Message) -> anyhow::Result<()> {
        let moment = message.timestamp.moment;
        let time = moment.strftime("%H:%M:%S");
        let sides = (message.sender_id, message.receiver_id);
        if sides != (self.me, self.partner.id) && sides != (self.partner.id, self.me) {
            terminal::notice(&format!("{time} a message from user {} in another conversation", message.sender_id));
            return Ok(());
        }
        if self.shown.is_some_and(|shown| moment <= shown) {
            return Ok(());
        }
        self.shown = Some(moment);
        let is_mine = message.sender_id == self.me;
        if is_mine && self.outbox.confirm(&message.content) {
            self.closing = self.closing.map(|_| Instant::now() + LAST_WAIT);
        }
        let name = if is_mine { "you" } else { &self.label };
        terminal::say(&format!("{time} {name}: {}", self.read(message)))
    }

    /// What a message says, fit for the screen.
    fn read(&self, message: &Message) -> String {
        if message.kind != TEXT {
            return "[not a text]".to_owned();
        }
        match self.keys.decrypt(&message.content) {
            Ok(text) => terminal::printable(&text),
            Err(_) => "[cannot be decrypted with your key]".to_owned(),
        }
    }
}

fn broken(closed: Closed) -> anyhow::Result<End> {
    if closed.is_transient() { Ok(End::Broken(closed.to_string())) } else { Err(closed.into()) }
}
