//! Seeds for benchmarks and tests on large tables: the rows that [`carry_out`](Storage::carry_out) would leave, but
//! made inside the database.

use sea_orm::{DatabaseBackend, Value};

use crate::domain::{DirectKey, EmailAddress, PublicKey, Timestamp, UserId, UserName, fold_name};
use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::tx::{Tx as _, run_unprepared};
use crate::storage::people::search::Change;
use crate::storage::{Storage, StorageError};

/// Most accounts of one statement.
const USERS_AT_ONCE: usize = 500;
/// Accounts of one transaction.
const USERS_OF_A_TRANSACTION: usize = 5_000;
/// Conversations of one statement.
const PAIRS_AT_ONCE: usize = 500;
/// Messages of one transaction.
const MESSAGES_AT_ONCE: i64 = 100_000;

/// Makes a table of the pairs of users, so that messages can be made by a join.
const PAIRS: [&str; 2] = [
    "DROP TABLE IF EXISTS seed_pairs",
    "CREATE TABLE seed_pairs (place BIGINT NOT NULL PRIMARY KEY, first_id INTEGER NOT NULL, \
     second_id INTEGER NOT NULL, direct_key BIGINT NOT NULL, conversation_id BIGINT)",
];
const CONVERSATIONS: [&str; 3] = [
    "INSERT INTO conversations (direct_key) SELECT direct_key FROM seed_pairs \
     WHERE direct_key NOT IN (SELECT direct_key FROM conversations) GROUP BY direct_key ORDER BY MIN(place)",
    "UPDATE seed_pairs SET conversation_id = \
     (SELECT id FROM conversations WHERE conversations.direct_key = seed_pairs.direct_key)",
    "INSERT INTO members (user_id, conversation_id) SELECT user_id, conversation_id FROM ( \
     SELECT first_id AS user_id, conversation_id FROM seed_pairs \
     UNION SELECT second_id, conversation_id FROM seed_pairs) AS v \
     ORDER BY conversation_id, user_id ON CONFLICT DO NOTHING",
];

/// Makes messages. `$1` is the number before the first one, `$2` its time stamp, `$3` and `$4` are the places of the
/// first and the last message, `$5` is the number of pairs, `$6` the content hash of all. The client ids have the form
/// of a `UUIDv7`.
const MESSAGES: &str = "INSERT INTO messages (id, conversation_id, sender_id, receiver_id, message_type, timestamp, \
     client_id, content_hash) \
     WITH RECURSIVE n (k) AS (SELECT CAST($3 AS BIGINT) UNION ALL SELECT k + 1 FROM n WHERE k < $4) \
     SELECT $1 + 1 + k, conversation_id, CASE WHEN k / $5 % 2 = 0 THEN first_id ELSE second_id END, \
     CASE WHEN k / $5 % 2 = 0 THEN second_id ELSE first_id END, 'text', $2 + 1 + k, \
     '01980000-0000-7000-8000-' || CAST(100000000001 + $1 + k AS TEXT), $6 \
     FROM n JOIN seed_pairs ON place = k % $5 ORDER BY k";
/// Updates conversations and members for the messages above `$1` up to `$2`.
const NEWEST: &str = "UPDATE conversations SET newest_message_id = v.newest FROM \
     (SELECT conversation_id, MAX(id) AS newest FROM messages WHERE id > $1 AND id <= $2 \
     GROUP BY conversation_id) AS v WHERE conversations.id = v.conversation_id";
const UNREAD: &str = "UPDATE members SET unread = unread + v.count, newest_inbound = v.newest FROM \
     (SELECT receiver_id, conversation_id, COUNT(*) AS count, MAX(id) AS newest FROM messages \
     WHERE id > $1 AND id <= $2 AND sender_id <> receiver_id GROUP BY receiver_id, conversation_id) AS v \
     WHERE members.user_id = v.receiver_id AND members.conversation_id = v.conversation_id";
/// Makes all messages of the user `$1` deleted for that user.
const DELETIONS: [&str; 5] = [
    "UPDATE messages SET sender_gone = id WHERE sender_id = $1 AND receiver_id <> $1 AND gone_seq IS NULL",
    "UPDATE messages SET receiver_gone = id WHERE receiver_id = $1 AND sender_id <> $1 AND gone_seq IS NULL",
    "UPDATE bodies SET sender_copy = {sender} WHERE id IN (SELECT id FROM messages \
     WHERE sender_id = $1 AND receiver_id <> $1)",
    "UPDATE bodies SET receiver_copy = {receiver} WHERE id IN (SELECT id FROM messages \
     WHERE receiver_id = $1 AND sender_id <> $1)",
    "UPDATE members SET unread = 0 WHERE user_id = $1",
];
const HEAD: &str = "SELECT last_seq, CASE WHEN clock < $1 THEN $1 ELSE clock END FROM store WHERE id = 1";

const BYTES: PerEngine<&str> = PerEngine { sqlite: "CAST({text} AS BLOB)", postgres: "convert_to({text}, 'UTF8')" };
const ERASED: PerEngine<&str> = PerEngine { sqlite: "zeroblob(length({copy}))", postgres: "''" };
/// Gathers statistics: PostgreSQL plans for empty tables until its autovacuum has run.
const ANALYZE: PerEngine<Option<&str>> = PerEngine { sqlite: None, postgres: Some("ANALYZE") };
const VACUUM: PerEngine<Option<&str>> = PerEngine { sqlite: None, postgres: Some("VACUUM ANALYZE") };

/// Returns the statement that makes the ciphertexts of the messages above `$1` up to `$2`: a prefix for the copy, the
/// number, and `$3` repeated up to `$4` characters.
fn bodies(backend: DatabaseBackend) -> String {
    let copy =
        |whose| format!("substr('{whose}:' || CAST(id AS TEXT) || ':' || CAST($3 AS TEXT), 1, CAST($4 AS INTEGER))");
    let bytes = |text: String| BYTES.of(backend).replace("{text}", &text);
    format!(
        "INSERT INTO bodies (id, sender_copy, receiver_copy) SELECT id, {}, {} \
         FROM messages WHERE id > $1 AND id <= $2 ORDER BY id",
        bytes(copy('s')),
        bytes(format!("CASE WHEN sender_id = receiver_id THEN '' ELSE {} END", copy('r')))
    )
}

/// Accounts to make, all with the same password and key.
#[derive(Debug)]
pub struct SeedUsers<'a> {
    /// Their names and addresses.
    pub names: &'a [(UserName, EmailAddress)],
    /// The argon2id hash in PHC form.
    pub password_hash: &'a str,
    /// The key.
    pub public_key: &'a PublicKey,
    /// The time of their registration.
    pub now: Timestamp,
}

/// Messages to make.
#[derive(Debug)]
pub struct SeedMessages<'a> {
    /// The pairs of users. Each pair in turn gets one message from the first user to the second, then one the other
    /// way, and so on.
    pub pairs: &'a [(UserId, UserId)],
    /// The number of messages of all pairs.
    pub count: u64,
    /// The text that fills a ciphertext behind `s:` or `r:` (the sender's or receiver's copy) and the message's number.
    pub filler: &'a str,
    /// Characters of a ciphertext.
    pub length: usize,
    /// The content hash of all messages, which no real send has.
    pub content_hash: [u8; 32],
    /// The time after which the messages are stored, one a microsecond; or the store's newest time stamp, if later.
    pub now: Timestamp,
}

impl Storage {
    /// Makes accounts, and returns their ids in the order of the names. Returns [`StorageError::Duplicate`] when a name
    /// or an address is taken; then some thousands may have been made.
    pub async fn seed_users(&self, users: &SeedUsers<'_>) -> Result<Vec<UserId>, StorageError> {
        let mut ids = Vec::with_capacity(users.names.len());
        for names in users.names.chunks(USERS_OF_A_TRANSACTION) {
            // Beforehand: PostgreSQL keeps no transaction that idles.
            let looks: Vec<_> = names.iter().map(|(name, _)| (name.skeletons(), name.search_key())).collect();
            let tx = self.begin().await?;
            let first = ids.len();
            for names in names.chunks(USERS_AT_ONCE) {
                let rows: Vec<String> = (0..names.len())
                    .map(|i| 4 + i * 4)
                    .map(|i| format!("(${i}, ${}, ${}, ${}, $1, $2, $3)", i + 1, i + 2, i + 3))
                    .collect();
                let sql = format!(
                    "INSERT INTO users (name, name_key, email, email_key, password_hash, public_key, created_at) \
                     VALUES {} RETURNING id",
                    rows.join(", ")
                );
                let shared: [Value; 3] =
                    [users.password_hash.into(), users.public_key.as_str().into(), users.now.as_micros().into()];
                let own =
                    names.iter().flat_map(|(name, email)| [name.as_str(), name.key(), email.as_str(), email.key()]);
                let values = shared.into_iter().chain(own.map(Value::from));
                let made = ids.len();
                for row in tx.query(self.statement(sql, values)).await? {
                    ids.push(UserId(row.get(0)?));
                }
                // Ids are given in the order of the rows, but not necessarily returned in it.
                if let Some(new) = ids.get_mut(made..) {
                    new.sort_unstable();
                }
            }
            let made = ids.iter().skip(first).copied().zip(looks);
            let (skeletons, keys): (Vec<_>, Vec<_>) =
                made.map(|(id, (skeletons, key))| ((id, skeletons), (id, key))).unzip();
            self.take_skeletons(&tx, &skeletons).await?;
            let keys: Vec<_> = keys.iter().map(|(id, key)| (*id, key.as_str())).collect();
            self.index_names(&tx, Change::Add, &keys).await?;
            tx.commit().await?;
        }
        Ok(ids)
    }

    /// Makes an account as a version before the present rules for names did. The next start reviews all names.
    pub async fn seed_old_user(&self, name: &str, email: &str, password_hash: &str) -> Result<(), StorageError> {
        let sql = "INSERT INTO users (name, name_key, email, email_key, password_hash, public_key, created_at) \
             VALUES ($1, $2, $3, $4, $5, 'AAAA', 0)";
        let keys = [fold_name(name), fold_name(email)];
        let values = [name, &keys[0], email, &keys[1], password_hash].map(Value::from);
        self.request_writes.execute(self.statement(sql, values)).await?;
        run_unprepared(&self.request_writes, "UPDATE store SET names_version = 0").await?;
        Ok(())
    }

    /// Stores messages as [`carry_out`](Self::carry_out) would. No server may run on the store: it would not
    /// notice them.
    pub async fn seed_messages(&self, messages: &SeedMessages<'_>) -> Result<(), StorageError> {
        if messages.pairs.is_empty() {
            return Ok(());
        }
        self.seed_pairs(messages.pairs).await?;
        let row = self.request_writes.query_one(self.statement(HEAD, [messages.now.as_micros().into()])).await?;
        let row = row.ok_or(StorageError::Corrupt("the store row is missing"))?;
        let (head, stamp): (i64, i64) = row.read()?;
        let count = i64::try_from(messages.count).map_err(|_| StorageError::Corrupt("messages beyond 2^63"))?;
        let mut done = 0;
        while done < count {
            let end = count.min(done + MESSAGES_AT_ONCE);
            self.seed_some(messages, (head, stamp), (done, end)).await?;
            done = end;
        }
        run_unprepared(&self.request_writes, "DROP TABLE seed_pairs").await?;
        if let Some(sql) = ANALYZE.of(self.backend()) {
            run_unprepared(&self.request_writes, sql).await?;
        }
        Ok(())
    }

    /// Deletes for a user all messages that others still have, as if long ago: the events of the deletion are gone. No
    /// server may run on the store.
    pub async fn seed_deletions(&self, user: UserId) -> Result<(), StorageError> {
        let tx = self.begin().await?;
        for sql in DELETIONS {
            let erased = |copy: &str| ERASED.of(self.backend()).replace("{copy}", copy);
            let sql = sql.replace("{sender}", &erased("sender_copy")).replace("{receiver}", &erased("receiver_copy"));
            tx.execute(self.statement(sql, [user.0.into()])).await?;
        }
        tx.commit().await?;
        if let Some(sql) = VACUUM.of(self.backend()) {
            run_unprepared(&self.request_writes, sql).await?;
        }
        Ok(())
    }

    async fn seed_pairs(&self, pairs: &[(UserId, UserId)]) -> Result<(), StorageError> {
        let tx = self.begin().await?;
        for sql in PAIRS {
            run_unprepared(&tx, sql).await?;
        }
        for (chunk, first) in pairs.chunks(PAIRS_AT_ONCE).zip((0..).step_by(PAIRS_AT_ONCE)) {
            let rows = chunk.iter().zip(first..).map(|((a, b), place): (_, u64)| {
                let key = DirectKey::new(*a, *b).get();
                format!("({place}, {a}, {b}, {key})")
            });
            let rows: Vec<String> = rows.collect();
            let sql =
                format!("INSERT INTO seed_pairs (place, first_id, second_id, direct_key) VALUES {}", rows.join(", "));
            run_unprepared(&tx, &sql).await?;
        }
        for sql in CONVERSATIONS {
            run_unprepared(&tx, sql).await?;
        }
        tx.commit().await
    }

    /// Makes the messages with these places in one transaction; the second place is exclusive.
    async fn seed_some(
        &self,
        messages: &SeedMessages<'_>,
        (head, stamp): (i64, i64),
        (from, to): (i64, i64),
    ) -> Result<(), StorageError> {
        let count = |n: usize| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
        let (before, last) = (Value::from(head + from), Value::from(head + to));
        let numbers: [Value; 5] =
            [head.into(), stamp.into(), from.into(), (to - 1).into(), count(messages.pairs.len())];
        let hash = Value::from(messages.content_hash.to_vec());
        let tx = self.begin().await?;
        tx.execute(self.statement(MESSAGES, numbers.into_iter().chain([hash]))).await?;
        let copies = [before.clone(), last.clone(), messages.filler.into(), count(messages.length)];
        tx.execute(self.statement(bodies(self.backend()), copies)).await?;
        for sql in [NEWEST, UNREAD] {
            tx.execute(self.statement(sql, [before.clone(), last.clone()])).await?;
        }
        let sql = "UPDATE store SET last_seq = $1, clock = $2 WHERE id = 1";
        tx.execute(self.statement(sql, [last, (stamp + to).into()])).await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests;
