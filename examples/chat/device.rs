//! What this device keeps of an account on a server, in a directory of its own:
//!
//! - `device.json`: its id, the account, the cursor;
//! - `outbox.json`: messages that the server has not stored yet;
//! - `events.jsonl`: what the events have brought, one a line, from which the [`Book`] is made;
//! - `files/`: files on their way;
//! - `lock`: two programs must not be the same device.
//!
//! The cursor is written after the events that it stands for: a crash in between repeats some, and loses none.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use fluent_client::{Cursor, Outbox, ServerFrame};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::book::Book;
use crate::disk;
use crate::files::Files;

/// See the module.
pub(crate) struct Device {
    directory: PathBuf,
    identity: Identity,
    events: File,
    _lock: File,
}

#[derive(Deserialize, Serialize)]
struct Identity {
    device_id: String,
    user_id: i64,
    cursor: Option<Cursor>,
}

impl Device {
    /// Takes the directory for this user, with what is in it.
    pub(crate) fn open(directory: PathBuf, me: i64) -> anyhow::Result<(Self, Outbox, Book)> {
        let about = || format!("cannot use {}", directory.display());
        disk::create_directory(&directory).with_context(about)?;
        let lock = lock(&directory.join("lock")).with_context(about)?;
        let identity = match read_json::<Identity>(&directory.join("device.json"))? {
            Some(identity) => identity,
            None => Identity { device_id: format!("chat-{:032x}", rand::random::<u128>()), user_id: me, cursor: None },
        };
        ensure!(
            identity.user_id == me,
            "{} belongs to user {}, and you are user {me} now: the server is another one or has lost its data. \
             Move the directory away",
            directory.display(),
            identity.user_id,
        );
        let outbox = read_json(&directory.join("outbox.json"))?.unwrap_or_default();
        let book = read_events(&directory.join("events.jsonl"), me)?;
        let events = rewrite_events(&directory.join("events.jsonl"), &book).with_context(about)?;
        let device = Self { directory, identity, events, _lock: lock };
        device.save_identity()?;
        Ok((device, outbox, book))
    }

    /// Names this device to the server, always the same.
    pub(crate) fn id(&self) -> &str {
        &self.identity.device_id
    }

    /// The files on their way.
    pub(crate) fn files(&self) -> anyhow::Result<Files> {
        Files::open(self.directory.join("files"))
    }

    /// Up to where everything is kept.
    pub(crate) fn cursor(&self) -> Option<&Cursor> {
        self.identity.cursor.as_ref()
    }

    /// Keeps an event. It is safe on disk once a cursor is saved.
    pub(crate) fn keep(&mut self, event: &ServerFrame) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.events.write_all(&line).context("cannot keep an event")
    }

    /// Saves the cursor behind everything that was kept.
    pub(crate) fn save_cursor(&mut self, cursor: Cursor) -> anyhow::Result<()> {
        self.events.sync_data().context("cannot keep events")?;
        self.identity.cursor = Some(cursor);
        self.save_identity()
    }

    /// Saves what is not stored on the server.
    pub(crate) fn save_outbox(&self, outbox: &Outbox) -> anyhow::Result<()> {
        write_json(&self.directory.join("outbox.json"), outbox)
    }

    /// Forgets the cursor, then the events: in this order nobody resumes without them.
    pub(crate) fn start_over(&mut self) -> anyhow::Result<()> {
        self.identity.cursor = None;
        self.save_identity()?;
        self.events.set_len(0).context("cannot forget events")
    }

    fn save_identity(&self) -> anyhow::Result<()> {
        write_json(&self.directory.join("device.json"), &self.identity)
    }
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another chat of this user is running; --keys takes another directory"),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// The book made of what is kept. A line that a crash has left unfinished counts as not kept: no cursor is behind it.
fn read_events(path: &Path, me: i64) -> anyhow::Result<Book> {
    let content = disk::read(path).with_context(|| format!("cannot read {}", path.display()))?.unwrap_or_default();
    let mut book = Book::new(me);
    for event in content.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()) {
        book.enter(&event);
    }
    Ok(book)
}

/// Leaves only what counts: deleted messages go from the disk.
fn rewrite_events(path: &Path, book: &Book) -> anyhow::Result<File> {
    let mut lines = Vec::new();
    for event in book.events() {
        serde_json::to_writer(&mut lines, &event)?;
        lines.push(b'\n');
    }
    disk::replace(path, &lines)?;
    Ok(OpenOptions::new().append(true).open(path)?)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    let about = || format!("cannot read {}", path.display());
    let content = disk::read(path).with_context(about)?;
    content.map(|content| serde_json::from_slice(&content)).transpose().with_context(about)
}

fn write_json(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    disk::replace(path, &serde_json::to_vec(value)?).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::tests::{deleted, message, receipt};
    use fluent_client::Draft;

    use crate::marks::Mark;

    fn cursor(text: &str) -> Cursor {
        text.parse().unwrap()
    }

    fn ids(book: &Book) -> Vec<i64> {
        book.with(2).map(|message| message.id).collect()
    }

    #[test]
    fn everything_is_there_again_after_a_restart() {
        let root = tempfile::tempdir().unwrap();
        let open = || Device::open(root.path().join("here"), 1).unwrap();
        let (mut device, _, _) = open();
        let id = device.id().to_owned();
        assert!((1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        for event in [message(1, 2, 1), message(2, 1, 2), message(3, 2, 1), receipt(2), deleted(3)] {
            device.keep(&event).unwrap();
        }
        device.save_cursor(cursor("e:7")).unwrap();
        let mut outbox = Outbox::default();
        let text = || "x".to_owned();
        let draft = Draft {
            client_id: text(),
            to: 2,
            receiver_encrypted: text(),
            sender_encrypted: text(),
            kind: text(),
            receiver_key_id: None,
            franking_tag: None,
            attachment_ids: Vec::new(),
        };
        outbox.push(draft.clone());
        device.save_outbox(&outbox).unwrap();
        // A crash in the middle of a line.
        device.events.write_all(br#"{"type":"mess"#).unwrap();
        drop(device);

        let (device, outbox, book) = open();
        assert_eq!((device.id(), device.cursor()), (id.as_str(), Some(&cursor("e:7"))));
        assert_eq!(outbox.waiting().collect::<Vec<_>>(), [&draft]);
        assert_eq!(ids(&book), [1, 2]);
        assert_eq!(book.mark(2, 2), Mark::Read);
        let lines = std::fs::read_to_string(root.path().join("here/events.jsonl")).unwrap();
        assert!(!lines.contains("content 3"), "a deleted message is not on disk any more");
    }

    #[test]
    fn starting_over_leaves_nothing_but_the_identity() {
        let root = tempfile::tempdir().unwrap();
        let (mut device, _, _) = Device::open(root.path().to_owned(), 1).unwrap();
        let id = device.id().to_owned();
        device.keep(&message(1, 2, 1)).unwrap();
        device.save_cursor(cursor("e:7")).unwrap();
        device.start_over().unwrap();
        device.keep(&message(9, 2, 1)).unwrap();
        drop(device);
        let (device, _, book) = Device::open(root.path().to_owned(), 1).unwrap();
        assert_eq!((device.id(), device.cursor(), ids(&book)), (id.as_str(), None, vec![9]));
    }

    #[test]
    fn one_program_and_one_account_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let open = |me| Device::open(root.path().to_owned(), me).map(|(device, ..)| device);
        let first = open(1).unwrap();
        assert!(format!("{:#}", open(1).err().unwrap()).contains("another chat"));
        drop(first);
        assert!(open(2).err().unwrap().to_string().contains("belongs to user 1"));
        assert!(open(1).is_ok());
    }
}
