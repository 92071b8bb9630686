//! The number of messages that each user has in the store, for `quota.messages_stored`.
//!
//! Triggers count: a message from when it is stored until it is gone for both sides, in the transactions that store and
//! destroy it, whichever they are. They are there only while there is a quota, since they cost something with each
//! message. Whoever makes them counts what is there already.

use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::tx::Tx;
use crate::storage::{Storage, StorageError};

const HAS_TRIGGERS: PerEngine<&str> = PerEngine {
    sqlite: "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = 'stored_messages_added'",
    postgres: "SELECT 1 FROM pg_trigger WHERE tgrelid = 'messages'::regclass AND tgname = 'stored_messages_added'",
};

const MAKE: PerEngine<&[&str]> = PerEngine {
    // Not by an upsert: the conflict clause of a statement holds in the triggers that it fires, too.
    sqlite: &[
        "CREATE TRIGGER stored_messages_added AFTER INSERT ON messages WHEN NEW.gone_seq IS NULL BEGIN \
         INSERT INTO stored_messages (user_id, count) SELECT NEW.sender_id, 0 \
         WHERE NOT EXISTS (SELECT 1 FROM stored_messages WHERE user_id = NEW.sender_id); \
         UPDATE stored_messages SET count = count + 1 WHERE user_id = NEW.sender_id; END",
        "CREATE TRIGGER stored_messages_gone AFTER UPDATE OF gone_seq ON messages \
         WHEN OLD.gone_seq IS NULL AND NEW.gone_seq IS NOT NULL BEGIN \
         UPDATE stored_messages SET count = count - 1 WHERE user_id = OLD.sender_id; END",
    ],
    // Each once a statement, and always in the order of the users.
    postgres: &[
        "CREATE OR REPLACE FUNCTION stored_messages_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         INSERT INTO stored_messages AS s (user_id, count) SELECT sender_id, COUNT(*) FROM added \
         WHERE gone_seq IS NULL GROUP BY sender_id ORDER BY sender_id \
         ON CONFLICT (user_id) DO UPDATE SET count = s.count + EXCLUDED.count; RETURN NULL; END $$",
        "CREATE OR REPLACE FUNCTION stored_messages_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         INSERT INTO stored_messages AS s (user_id, count) SELECT o.sender_id, -COUNT(*) FROM before AS o \
         JOIN after AS n ON n.id = o.id JOIN stored_messages AS known ON known.user_id = o.sender_id \
         WHERE o.gone_seq IS NULL AND n.gone_seq IS NOT NULL GROUP BY o.sender_id ORDER BY o.sender_id \
         ON CONFLICT (user_id) DO UPDATE SET count = s.count + EXCLUDED.count; RETURN NULL; END $$",
        "CREATE TRIGGER stored_messages_added AFTER INSERT ON messages REFERENCING NEW TABLE AS added \
         FOR EACH STATEMENT EXECUTE FUNCTION stored_messages_added()",
        "CREATE TRIGGER stored_messages_gone AFTER UPDATE ON messages REFERENCING OLD TABLE AS before \
         NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION stored_messages_gone()",
    ],
};

const REMOVE: PerEngine<&[&str]> = PerEngine {
    sqlite: &["DROP TRIGGER stored_messages_added", "DROP TRIGGER stored_messages_gone"],
    postgres: &["DROP TRIGGER stored_messages_added ON messages", "DROP TRIGGER stored_messages_gone ON messages"],
};

/// Nobody else stores a message until the transaction has ended.
const LOCK: PerEngine<Option<&str>> =
    PerEngine { sqlite: None, postgres: Some("LOCK TABLE messages IN SHARE ROW EXCLUSIVE MODE") };
const FORGET: &str = "DELETE FROM stored_messages";
const COUNT: &str = "INSERT INTO stored_messages (user_id, count) SELECT m.sender_id, COUNT(*) FROM messages AS m \
     JOIN users AS u ON u.id = m.sender_id WHERE m.gone_seq IS NULL GROUP BY m.sender_id";

impl Storage {
    /// Lets each user have so many messages in the store, or any number if it is 0. Reads all messages when they were
    /// not counted before.
    pub async fn limit_messages(&self, most: u64) -> Result<(), StorageError> {
        let _ = self.messages_stored.set(most);
        if self.has_triggers(&self.reads).await? == (most > 0) {
            return Ok(());
        }
        let (tx, backend) = (self.begin().await?, self.backend());
        if let Some(lock) = LOCK.of(backend) {
            tx.execute(self.statement(lock, [])).await?;
        }
        // Another server may have been faster.
        if self.has_triggers(&tx).await? != (most > 0) {
            for sql in if most > 0 { MAKE } else { REMOVE }.of(backend) {
                tx.execute(self.statement(*sql, [])).await?;
            }
            tx.execute(self.statement(FORGET, [])).await?;
            if most > 0 {
                tx.execute(self.statement(COUNT, [])).await?;
            }
        }
        tx.commit().await
    }

    async fn has_triggers(&self, on: &impl Tx) -> Result<bool, StorageError> {
        Ok(on.query_one(self.statement(HAS_TRIGGERS.of(self.backend()), [])).await?.is_some())
    }

    /// Returns how many messages each user may have in the store, if there is a quota.
    pub(in crate::storage) fn most_messages(&self) -> Option<u64> {
        self.messages_stored.get().copied().filter(|most| *most > 0)
    }
}
