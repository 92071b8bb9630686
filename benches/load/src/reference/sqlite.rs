//! Writes the same rows for a message as the server, on one thread with prepared statements, all waiting messages in
//! one transaction.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::mpsc;

use super::MAX_BATCH;
use super::hub::Hub;
use super::rows::{Moved, direct_key};
use super::wire::{Draft, Message};
use crate::clock;
use crate::report::complain;

const TAKE_NUMBERS: &str = "UPDATE store SET last_seq = last_seq + ?1, \
     clock = CASE WHEN clock < ?2 THEN ?2 ELSE clock END + ?1 WHERE id = 1 RETURNING last_seq, clock";
const MESSAGE: &str = "INSERT INTO messages (id, conversation_id, sender_id, receiver_id, message_type, timestamp, \
     client_id, content_hash) VALUES (?1, ?2, ?3, ?4, 'text', ?5, ?6, ?7)";
const BODY: &str = "INSERT INTO bodies (id, sender_copy, receiver_copy) VALUES (?1, ?2, ?3)";
const NEWEST: &str = "UPDATE conversations SET newest_message_id = ?2 WHERE id = ?1";
const UNREAD: &str =
    "UPDATE members SET unread = unread + ?3, newest_inbound = ?4 WHERE user_id = ?1 AND conversation_id = ?2";

/// The connection that writes.
pub(super) struct Writer {
    db: Connection,
    /// Conversations by their key.
    conversations: HashMap<i64, i64>,
}

/// Stores and forwards messages, until the process ends.
pub(super) fn run(mut writer: Writer, hub: &Hub, mut waiting: mpsc::Receiver<Draft>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut drafts = vec![first];
        drafts.extend(std::iter::from_fn(|| waiting.try_recv().ok()).take(MAX_BATCH - 1));
        match writer.store(drafts) {
            Ok(messages) => hub.deliver(messages),
            Err(error) => {
                complain(&format!("the reference cannot store: {error:#}"));
                return;
            }
        }
    }
}

impl Writer {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let db = Connection::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        // The settings of the server.
        for (name, value) in [
            ("journal_mode", "WAL"),
            ("synchronous", "FULL"),
            ("mmap_size", "0"),
            ("cache_size", "-16384"),
            ("temp_store", "MEMORY"),
            ("journal_size_limit", "67108864"),
            ("secure_delete", "ON"),
            ("foreign_keys", "ON"),
        ] {
            db.pragma_update(None, name, value)?;
        }
        db.set_prepared_statement_cache_capacity(32);
        Ok(Self { db, conversations: HashMap::new() })
    }

    fn store(&mut self, drafts: Vec<Draft>) -> Result<Vec<Message>> {
        self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let count = i64::try_from(drafts.len())?;
        let numbers = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
        let (last, clock) = self.db.prepare_cached(TAKE_NUMBERS)?.query_row((count, clock::unix_micros()), numbers)?;
        let mut messages = Vec::with_capacity(drafts.len());
        for (draft, place) in drafts.into_iter().zip(1 - count..) {
            let conversation = self.conversation(draft.sender, draft.receiver)?;
            messages.push(Message { draft, id: last + place, conversation, timestamp: clock + place });
        }
        self.insert(&messages)?;
        self.db.prepare_cached("COMMIT")?.execute([])?;
        Ok(messages)
    }

    fn insert(&self, messages: &[Message]) -> Result<()> {
        let (mut message, mut body) = (self.db.prepare_cached(MESSAGE)?, self.db.prepare_cached(BODY)?);
        for Message { draft, id, conversation, timestamp } in messages {
            let (client_id, hash) = draft.once.as_ref().map(|(name, hash)| (name, hash)).unzip();
            message.execute(params![id, conversation, draft.sender, draft.receiver, timestamp, client_id, hash])?;
            body.execute(params![id, draft.sender_copy.as_bytes(), draft.receiver_copy.as_bytes()])?;
        }
        let Moved { newest, unread } = Moved::by(messages);
        let mut update = self.db.prepare_cached(NEWEST)?;
        for (conversation, id) in newest {
            update.execute((conversation, id))?;
        }
        let mut update = self.db.prepare_cached(UNREAD)?;
        for ((user, conversation), (count, last)) in unread {
            update.execute((user, conversation, count, last))?;
        }
        Ok(())
    }

    fn conversation(&mut self, a: i32, b: i32) -> Result<i64> {
        let key = direct_key(a, b);
        if let Some(&known) = self.conversations.get(&key) {
            return Ok(known);
        }
        let stored = "SELECT id FROM conversations WHERE direct_key = ?1";
        let id = if let Some(id) = self.db.query_row(stored, [key], |row| row.get(0)).optional()? {
            id
        } else {
            self.db.execute("INSERT INTO conversations (direct_key) VALUES (?1)", [key])?;
            let id = self.db.last_insert_rowid();
            for user in [a, b] {
                self.db.execute("INSERT INTO members (user_id, conversation_id) VALUES (?1, ?2)", (user, id))?;
            }
            id
        };
        self.conversations.insert(key, id);
        Ok(id)
    }
}
