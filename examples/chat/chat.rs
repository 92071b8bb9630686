//! The conversation: does what the state machine asks for, shows what comes, sends what is typed.

mod input;
mod news;

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::ensure;
use fluent_client::{Action, Client, Draft, Event, Outbox, ServerFrame};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::api::Api;
use crate::book::{Book, Change};
use crate::device::Device;
use crate::http::CallError;
use crate::keys::KeyPair;
use crate::link::{Happening, Link};
use crate::screen::Screen;
use crate::seal;
use crate::terminal::{self, Input};
use crate::wire::User;

/// Longest wait for the next confirmation after the input has ended.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// A conversation with one partner.
pub(crate) struct Chat {
    me: i64,
    partner: User,
    keys: KeyPair,
    client: Client,
    device: Device,
    book: Book,
    link: Link,
    screen: Screen,
    input: mpsc::Receiver<Input>,
    /// What has happened while something else was done.
    events: VecDeque<Event>,
    /// The reload that the screen waits for.
    reloading: Option<u32>,
    /// Until when the partner counts as writing.
    typing: Option<Instant>,
    /// When the partner was last told of one's own writing.
    told_typing: Option<Instant>,
    /// The partner's key that the person was last warned of.
    warned_of: Option<String>,
    /// Set when the input has ended: how long confirmations are waited for.
    closing: Option<Instant>,
}

impl Chat {
    /// A conversation of the user `me`, who types `input`.
    pub(crate) fn new(
        api: Api,
        me: i64,
        partner: User,
        keys: KeyPair,
        (device, outbox, book): (Device, Outbox, Book),
        input: mpsc::Receiver<Input>,
    ) -> Self {
        let client = Client::new(me, vec![partner.id], device.cursor().cloned(), outbox);
        let link = Link::new(api, device.id().to_owned());
        let screen = Screen::new(&partner.name);
        Self {
            me,
            partner,
            keys,
            client,
            device,
            book,
            link,
            screen,
            input,
            events: VecDeque::from([Event::Start]),
            reloading: None,
            typing: None,
            told_typing: None,
            warned_of: None,
            closing: None,
        }
    }

    /// Goes on until the input ends. An error when a message that was typed is not stored yet.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        self.show_new()?;
        self.remind_of_failed();
        loop {
            self.work().await?;
            if self.is_finished() {
                break;
            }
            let is_full = self.client.outbox().is_full();
            tokio::select! {
                happening = self.link.next() => self.happened(happening)?,
                input = typed(&mut self.input, is_full, self.closing) => self.typed(input)?,
            }
        }
        self.link.close().await;
        let waiting = self.client.outbox().unsent();
        ensure!(waiting == 0, "{waiting} of your messages are not stored by the server yet; the next chat sends them");
        Ok(())
    }

    /// Tells the state machine what has happened, and does what it asks for, until nothing is left.
    async fn work(&mut self) -> anyhow::Result<()> {
        while let Some(event) = self.events.pop_front() {
            for action in self.client.on(event) {
                self.perform(action).await?;
            }
        }
        Ok(())
    }

    async fn perform(&mut self, action: Action) -> anyhow::Result<()> {
        match action {
            Action::Connect { since } => self.link.connect(since),
            Action::Disconnect => self.link.disconnect(),
            Action::Pause(pause) => {
                let time = self.link.pause(pause);
                terminal::notice(&format!("{}; next attempt in {:.1} s", self.link.trouble(), time.as_secs_f32()));
            }
            Action::Refresh => self.link.refresh(),
            Action::Send(frame) => self.link.send(&frame).await,
            Action::Keep(event) => self.keep(&event)?,
            Action::StartOver(number) => self.start_over(number)?,
            Action::SaveCursor(cursor) => self.device.save_cursor(cursor)?,
            Action::SaveOutbox => self.device.save_outbox(self.client.outbox())?,
            Action::Renew(draft) => self.link.look_up_receiver(draft),
            Action::PauseSending(pause) => self.link.pause_sending(pause),
            Action::Tell(notice) => self.tell(notice),
            Action::Stop(why) => return Err(why.into()),
        }
        Ok(())
    }

    fn happened(&mut self, happening: Happening) -> anyhow::Result<()> {
        match happening {
            Happening::Event(event) => self.events.push_back(event),
            Happening::Newest(number, events) => self.reloaded(number, events)?,
            Happening::Older(page) => self.show_older(page)?,
            Happening::Receiver(draft, receiver) => self.renew(&draft, receiver),
            Happening::Reported(outcome) => news::reported(outcome),
        }
        Ok(())
    }

    /// Writes down what an event brings, and shows it.
    fn keep(&mut self, event: &ServerFrame) -> anyhow::Result<()> {
        let change = self.book.enter(event);
        if change.is_some() {
            self.device.keep(event)?;
        }
        match change {
            Some(Change::Message(id)) => self.show_message(id),
            Some(Change::Gone(ids)) => self.show_gone(&ids),
            Some(Change::Marks { partner, up_to_id }) => self.show_mark(partner, up_to_id),
            None => self.tell_of(event),
        }
    }

    fn start_over(&mut self, number: u32) -> anyhow::Result<()> {
        if self.device.cursor().is_some() {
            terminal::notice("the server cannot tell what this device has missed; loading everything anew");
        }
        self.device.start_over()?;
        self.book.clear();
        self.screen = Screen::new(&self.partner.name);
        self.reloading = Some(number);
        self.link.load_newest(number, self.me);
        Ok(())
    }

    fn reloaded(&mut self, number: u32, events: Result<Vec<ServerFrame>, CallError>) -> anyhow::Result<()> {
        if self.reloading != Some(number) {
            return Ok(());
        }
        match events {
            Ok(events) => {
                for event in events {
                    if self.book.enter(&event).is_some() {
                        self.device.keep(&event)?;
                    }
                }
                self.reloading = None;
                self.events.push_back(Event::Reloaded(number));
                self.show_new()
            }
            Err(error) if error.is_transient() => {
                self.link.note(error);
                self.events.push_back(Event::NotReloaded(number));
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Encrypts a message for the key that its receiver has now.
    fn renew(&mut self, draft: &Draft, receiver: Result<User, CallError>) {
        let client_id = draft.client_id.clone();
        let sealed = match receiver {
            Err(error) if error.is_transient() => return self.events.push_back(Event::NotRenewed { client_id }),
            Err(error) => Err(error.into()),
            Ok(receiver) => {
                let sealed = seal::seal_anew(draft, &self.keys, &receiver);
                if receiver.id == self.partner.id {
                    if receiver.public_key != self.partner.public_key {
                        self.warn_of_key(receiver.key_id.as_deref().unwrap_or_default());
                    }
                    self.partner = receiver;
                }
                sealed
            }
        };
        self.events.push_back(match sealed {
            Ok(draft) => Event::Renewed { client_id, draft },
            Err(error) => Event::NotEncryptable { client_id, why: format!("{error:#}") },
        });
    }

    fn is_finished(&self) -> bool {
        self.closing.is_some_and(|deadline| self.client.outbox().unsent() == 0 || Instant::now() >= deadline)
    }
}

/// Takes the next input; nothing when it has ended, or at the end of the last wait.
async fn typed(input: &mut mpsc::Receiver<Input>, is_full: bool, closing: Option<Instant>) -> Option<Input> {
    match closing {
        Some(deadline) => {
            sleep_until(deadline).await;
            None
        }
        None if is_full => std::future::pending().await,
        None => input.recv().await,
    }
}

#[cfg(test)]
mod tests;
