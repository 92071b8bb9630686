//! The audit log: what has happened to accounts and settings, written in groups beside the work that it tells of.
//!
//! An entry about a user is handed over and not waited for: it is stored within [`GATHER`], and lost only when the
//! process is killed before that. What an operator changes is stored before the answer. Bound: [`WAITING`] entries; one
//! that finds no room is counted and named by its event in the server's log.

mod failed_logins;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::operator_tokens::UsedTokens;
use super::{Service, ServiceError};
use crate::clock::Clock;
use crate::domain::{
    AuditActor, AuditEntry, AuditEvent, AuditFilter, ClientAddress, NewAuditEntry, Operator, Timestamp, UserId,
};
use crate::storage::{AuditFrom, Storage};
use crate::telemetry::Seldom;
use failed_logins::FailedLogins;

/// Entries that may wait to be stored.
const WAITING: usize = 4096;
/// Entries of one transaction.
const AT_ONCE: usize = 256;
/// How long an entry waits for others that are stored with it, when nobody waits for it.
const GATHER: Duration = Duration::from_millis(200);
/// Wait before entries that could not be stored are tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Longest wait for everything that is to be stored at the end.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);
/// Time between two lines of the server's log about entries that were lost.
const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// What the task that stores entries is told.
enum Message {
    Entry(Timestamp, Box<NewAuditEntry>, Option<oneshot::Sender<bool>>),
    /// Says when everything before it is stored.
    Flush(oneshot::Sender<()>),
}

/// The audit log as the use cases write it. Clones share it.
#[derive(Clone)]
pub struct Audit {
    sender: mpsc::Sender<Message>,
    clock: Clock,
    failed: Arc<FailedLogins>,
    lost: Arc<Seldom>,
    tokens: Arc<UsedTokens>,
}

impl Audit {
    /// The audit log of `storage`, which a task of its own writes for as long as there are clones of this. `tokens` are
    /// those by which operators come.
    pub(super) fn new(storage: Arc<Storage>, clock: Clock, tokens: Arc<UsedTokens>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(write(storage, receiver));
        Self { sender, clock, failed: Arc::default(), lost: Arc::new(Seldom::new(LOG_INTERVAL)), tokens }
    }

    /// Records what has happened, without waiting until it is stored.
    pub fn record(&self, entry: NewAuditEntry) {
        let event = entry.event;
        let message = Message::Entry(self.clock.now(), Box::new(entry), None);
        if self.sender.try_send(message).is_err() && self.lost.is_due() {
            tracing::warn!(event = event.as_str(), "the audit log cannot keep up: entries are lost");
        }
    }

    /// Records what has happened, and waits until it is stored: for what operators change. A token that was used is
    /// named as operators call it, since it may be revoked when the entry is read.
    pub async fn record_now(&self, mut entry: NewAuditEntry) -> Result<(), ServiceError> {
        if let AuditActor::Admin(Operator::Token(id)) = entry.actor
            && let Some(by) = entry.detail.get_mut("by")
        {
            *by = json!({"token": id, "name": self.tokens.name_of(id)});
        }
        let (stored, is_stored) = oneshot::channel();
        let message = Message::Entry(self.clock.now(), Box::new(entry), Some(stored));
        self.sender.send(message).await.map_err(|_| ServiceError::Unconfirmed)?;
        if is_stored.await.unwrap_or(false) { Ok(()) } else { Err(ServiceError::Unconfirmed) }
    }

    /// Counts a login with a wrong password: of an account, or with an unknown name.
    pub fn login_failed(&self, user: Option<UserId>, address: Option<ClientAddress>) {
        self.failed.count(user, address.map(ClientAddress::network), Instant::now());
    }

    /// Records the failed logins whose minute is over; to be called every few seconds.
    pub fn record_due(&self) {
        self.failed.due(Instant::now()).into_iter().for_each(|entry| self.record(entry));
    }

    /// Records what is still counted, and waits until everything is stored.
    pub async fn flush(&self) {
        self.failed.all().into_iter().for_each(|entry| self.record(entry));
        let (done, is_done) = oneshot::channel();
        let flushing = async {
            if self.sender.send(Message::Flush(done)).await.is_ok() {
                let _ = is_done.await;
            }
        };
        // A database that is away does not keep the server from its end.
        if tokio::time::timeout(FLUSH_TIMEOUT, flushing).await.is_err() {
            tracing::warn!("the last entries of the audit log were not stored in time");
        }
    }
}

/// Stores entries until nobody can record any more.
async fn write(storage: Arc<Storage>, mut receiver: mpsc::Receiver<Message>) {
    let failing = Seldom::new(LOG_INTERVAL);
    while let Some(first) = receiver.recv().await {
        let is_awaited = |message: &Message| !matches!(message, Message::Entry(_, _, None));
        let mut messages = vec![first];
        let gathered = tokio::time::sleep(GATHER);
        tokio::pin!(gathered);
        while messages.len() < AT_ONCE && !messages.last().is_some_and(is_awaited) {
            tokio::select! {
                more = receiver.recv() => match more {
                    Some(more) => messages.push(more),
                    None => break,
                },
                () = &mut gathered => break,
            }
        }
        let (mut entries, mut waiting, mut flushes) = (Vec::new(), Vec::new(), Vec::new());
        for message in messages {
            match message {
                Message::Entry(at, entry, reply) => {
                    entries.push((at, *entry));
                    waiting.extend(reply);
                }
                Message::Flush(done) => flushes.push(done),
            }
        }
        let mut stored = entries.is_empty() || store(&storage, &entries, &failing).await;
        if !stored && waiting.is_empty() {
            tokio::time::sleep(RETRY).await;
            stored = store(&storage, &entries, &failing).await;
        }
        for reply in waiting {
            let _ = reply.send(stored);
        }
        for done in flushes {
            let _ = done.send(());
        }
    }
}

async fn store(storage: &Storage, entries: &[(Timestamp, NewAuditEntry)], failing: &Seldom) -> bool {
    let stored = Box::pin(storage.add_audit(entries)).await;
    if let Err(error) = &stored
        && failing.is_due()
    {
        tracing::warn!(%error, entries = entries.len(), "entries of the audit log were not stored");
    }
    stored.is_ok()
}

impl Service {
    /// Returns the audit log, to record in.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Returns an entry about what a user has done to their own account.
    pub(super) fn audited(event: AuditEvent, user: UserId, address: Option<ClientAddress>) -> NewAuditEntry {
        NewAuditEntry::of_user(event, user).from_network(address.map(ClientAddress::network))
    }

    /// Records something that an operator does and that has no event of its own; `detail` is an object that says more.
    pub async fn note_action(&self, action: &str, mut detail: Value, by: Operator) -> Result<(), ServiceError> {
        (detail["action"], detail["by"]) = (json!(action), json!(by));
        self.audit.record_now(NewAuditEntry::of_operator(AuditEvent::AdminAction, by).with(detail)).await
    }

    /// Returns entries of the audit log, at most `limit`.
    pub async fn audit_entries(
        &self,
        from: AuditFrom,
        filter: AuditFilter,
        limit: u64,
    ) -> Result<Vec<AuditEntry>, ServiceError> {
        Ok(self.storage.audit(from, filter, limit).await?)
    }
}
