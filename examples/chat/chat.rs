//! The conversation: does what the state machine asks for, shows what comes, sends what is typed.

mod attach;
mod input;
mod news;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use anyhow::ensure;
use fluent_client::files::FileEntry;
use fluent_client::{Action, Client, Draft, Event, Outbox, ServerFrame};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::api::Api;
use crate::book::{Book, Change};
use crate::device::Device;
use crate::files::Files;
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
    files: Files,
    /// Files that are to be sent once there is a connection.
    files_to_send: Vec<String>,
    /// Messages with files that are not in the outbox on disk yet.
    posted: Vec<String>,
    /// The files of messages on the screen, with the sizes of their ciphertexts, if they are known.
    shown_files: HashMap<i64, Vec<(FileEntry, Option<u64>)>>,
    /// Bytes of all files on their way that were seen last.
    moved: u64,
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
    ) -> anyhow::Result<Self> {
        let client = Client::new(me, vec![partner.id], device.cursor().cloned(), outbox);
        let link = Link::new(api, device.id().to_owned());
        let screen = Screen::new(&partner.name);
        let files = device.files()?;
        Ok(Self {
            me,
            partner,
            keys,
            client,
            device,
            files,
            files_to_send: Vec::new(),
            posted: Vec::new(),
            shown_files: HashMap::new(),
            moved: 0,
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
        })
    }

    /// Goes on until the input ends. An error when a message that was typed is not stored yet.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        self.show_new()?;
        self.remind_of_failed();
        self.resume_files()?;
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
        ensure!(
            !self.has_files_on_their_way(),
            "not all files have arrived; the next chat goes on with those you send"
        );
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
            Action::SaveOutbox => {
                self.device.save_outbox(self.client.outbox())?;
                self.forget_posted()?;
            }
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
            Happening::Sent(sent) => self.file_sent(sent)?,
            Happening::Saved(name, result) => self.file_saved(&name, result)?,
            Happening::Look => self.show_progress(),
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
        let is_done = self.client.outbox().unsent() == 0 && !self.has_files_on_their_way();
        self.closing.is_some_and(|deadline| is_done || Instant::now() >= deadline)
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
