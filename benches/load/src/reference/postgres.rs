//! Writes the same rows for a message as the server, on one connection: one statement for each table, all waiting
//! messages in one transaction, and statements that do not depend on each other's results sent together.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::sync::mpsc;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use super::MAX_BATCH;
use super::hub::Hub;
use super::rows::{Moved, direct_key};
use super::wire::{Draft, Message};
use crate::clock;
use crate::database;
use crate::report::complain;

const TAKE_NUMBERS: &str = "UPDATE store SET last_seq = last_seq + $1, \
     clock = CASE WHEN clock < $2 THEN $2 ELSE clock END + $1 WHERE id = 1 RETURNING last_seq, clock";
const MESSAGES: &str = "INSERT INTO messages (id, conversation_id, sender_id, receiver_id, message_type, timestamp, \
     client_id, content_hash) SELECT v.id, v.c, v.s, v.r, 'text', v.t, v.n, v.h \
     FROM UNNEST($1::bigint[], $2::bigint[], $3::integer[], $4::integer[], $5::bigint[], $6::text[], $7::bytea[]) \
     AS v (id, c, s, r, t, n, h)";
const BODIES: &str = "INSERT INTO bodies (id, sender_copy, receiver_copy) \
     SELECT v.id, v.s, v.r FROM UNNEST($1::bigint[], $2::bytea[], $3::bytea[]) AS v (id, s, r)";
const NEWEST: &str = "UPDATE conversations SET newest_message_id = v.m \
     FROM UNNEST($1::bigint[], $2::bigint[]) AS v (c, m) WHERE conversations.id = v.c";
const UNREAD: &str = "UPDATE members SET unread = unread + v.n, newest_inbound = v.m \
     FROM UNNEST($1::integer[], $2::bigint[], $3::bigint[], $4::bigint[]) AS v (u, c, n, m) \
     WHERE members.user_id = v.u AND members.conversation_id = v.c";
const CONVERSATION: &str = "INSERT INTO conversations (direct_key) VALUES ($1) \
     ON CONFLICT (direct_key) DO UPDATE SET direct_key = excluded.direct_key RETURNING id";
const MEMBER: &str = "INSERT INTO members (user_id, conversation_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";

/// The connection that writes.
pub(super) struct Writer {
    db: Client,
    take_numbers: Statement,
    messages: Statement,
    bodies: Statement,
    newest: Statement,
    unread: Statement,
    /// Conversations by their key.
    conversations: HashMap<i64, i64>,
}

/// Stores and forwards messages, until the process ends.
pub(super) async fn run(mut writer: Writer, hub: Arc<Hub>, mut waiting: mpsc::Receiver<Draft>) {
    let mut drafts = Vec::with_capacity(MAX_BATCH);
    while waiting.recv_many(&mut drafts, MAX_BATCH).await > 0 {
        match Box::pin(writer.store(std::mem::take(&mut drafts))).await {
            Ok(messages) => hub.deliver(messages),
            Err(error) => {
                complain(&format!("the reference cannot store: {error:#}"));
                return;
            }
        }
    }
}

impl Writer {
    pub(super) async fn open(url: &str) -> Result<Self> {
        let db = database::connect(url).await?;
        let (take_numbers, messages) = (db.prepare(TAKE_NUMBERS).await?, db.prepare(MESSAGES).await?);
        let (bodies, newest, unread) =
            (db.prepare(BODIES).await?, db.prepare(NEWEST).await?, db.prepare(UNREAD).await?);
        Ok(Self { db, take_numbers, messages, bodies, newest, unread, conversations: HashMap::new() })
    }

    async fn store(&mut self, drafts: Vec<Draft>) -> Result<Vec<Message>> {
        let (count, now) = (i64::try_from(drafts.len())?, clock::unix_micros());
        let parameters: [&(dyn ToSql + Sync); 2] = [&count, &now];
        // Polled in this order, so sent in this order, in one round trip.
        let (begun, row) =
            tokio::join!(biased; self.db.batch_execute("BEGIN"), self.db.query_one(&self.take_numbers, &parameters));
        begun?;
        let row = row.context("the store row is missing")?;
        let (last, clock): (i64, i64) = (row.get(0), row.get(1));
        let mut messages = Vec::with_capacity(drafts.len());
        for (draft, place) in drafts.into_iter().zip(1 - count..) {
            let conversation = self.conversation(draft.sender, draft.receiver).await?;
            messages.push(Message { draft, id: last + place, conversation, timestamp: clock + place });
        }
        Box::pin(self.insert(&messages)).await?;
        Ok(messages)
    }

    async fn insert(&self, messages: &[Message]) -> Result<()> {
        let ids: Vec<i64> = messages.iter().map(|m| m.id).collect();
        let conversations: Vec<i64> = messages.iter().map(|m| m.conversation).collect();
        let senders: Vec<i32> = messages.iter().map(|m| m.draft.sender).collect();
        let receivers: Vec<i32> = messages.iter().map(|m| m.draft.receiver).collect();
        let times: Vec<i64> = messages.iter().map(|m| m.timestamp).collect();
        let (names, hashes): (Vec<_>, Vec<_>) = messages
            .iter()
            .map(|m| m.draft.once.as_ref().map(|(name, hash)| (name.as_str(), hash.as_slice())).unzip())
            .unzip();
        let own: Vec<&[u8]> = messages.iter().map(|m| m.draft.sender_copy.as_bytes()).collect();
        let theirs: Vec<&[u8]> = messages.iter().map(|m| m.draft.receiver_copy.as_bytes()).collect();
        let Moved { newest, unread } = Moved::by(messages);
        let (moved, last): (Vec<i64>, Vec<i64>) = newest.into_iter().unzip();
        let (keys, counts): (Vec<_>, Vec<_>) = unread.into_iter().unzip();
        let (users, theirs_in): (Vec<i32>, Vec<i64>) = keys.into_iter().unzip();
        let (new, newest_in): (Vec<i64>, Vec<i64>) = counts.into_iter().unzip();

        let of_messages: [&(dyn ToSql + Sync); 7] =
            [&ids, &conversations, &senders, &receivers, &times, &names, &hashes];
        let of_bodies: [&(dyn ToSql + Sync); 3] = [&ids, &own, &theirs];
        let of_newest: [&(dyn ToSql + Sync); 2] = [&moved, &last];
        let of_unread: [&(dyn ToSql + Sync); 4] = [&users, &theirs_in, &new, &newest_in];
        tokio::try_join!(
            biased;
            self.db.execute(&self.messages, &of_messages),
            self.db.execute(&self.bodies, &of_bodies),
            self.db.execute(&self.newest, &of_newest),
            self.db.execute(&self.unread, &of_unread),
            self.db.batch_execute("COMMIT"),
        )?;
        Ok(())
    }

    async fn conversation(&mut self, a: i32, b: i32) -> Result<i64> {
        let key = direct_key(a, b);
        if let Some(&known) = self.conversations.get(&key) {
            return Ok(known);
        }
        let id: i64 = self.db.query_one(CONVERSATION, &[&key]).await?.get(0);
        for user in [a, b] {
            self.db.execute(MEMBER, &[&user, &id]).await?;
        }
        self.conversations.insert(key, id);
        Ok(id)
    }
}
