//! What the writer does when the store fails: it notices that, writes nothing more, and finds out where the store
//! stands before it goes on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::doubt::InDoubt;
use super::messages::PersistenceMsg;
use super::origins::Origins;
use super::time_limits::{PROBE_TIMEOUT, TRANSACTION_TIMEOUT, within};
use super::{PersistenceState, RETRY};
use crate::actors::registry::messages::Delivery;
use crate::actors::relay::batch::Listeners;
use crate::actors::relay::messages::{Announcer, RelayMsg};
use crate::actors::session::messages::Resync;
use crate::domain::{Audience, Event, EventBody};
use crate::storage::StorageError;
use crate::telemetry::metrics;

/// A failure is logged at most once in this time: on a disk that is nearly full some batches fit, and the next does
/// not.
const LOG_EVERY: Duration = Duration::from_mins(1);

impl PersistenceState {
    /// Finds failures of the store that no batch would meet while nothing is sent.
    pub(super) async fn check_store(&mut self) {
        if self.is_recovering {
            // `Recover` is on its way.
            return;
        }
        if self.pending_row.is_some() {
            // The probe would wait for the row that this writer may hold already.
            self.is_check_due = true;
            return;
        }
        let mut works = within(PROBE_TIMEOUT, self.args.storage.check_files()).await;
        if works.is_ok() && !self.args.storage.requests_can_write() {
            // A probe that works clears the failure that a request has noted.
            works = within(PROBE_TIMEOUT, self.args.storage.probe_head(0)).await.map(drop);
        }
        if let Err(error) = works {
            self.suspend(&error, &Origins::default());
        }
    }

    /// Finds out where the store stands, and announces what of a batch in doubt is there; tries again later when the
    /// database does not answer.
    pub(super) async fn recover(&mut self) {
        match Box::pin(self.resolve()).await {
            Ok(()) => {
                self.is_recovering = false;
                self.retry = RETRY.start;
                self.args.health.set_storage_works(true);
                if std::mem::take(&mut self.is_logged) {
                    tracing::info!("the database works again");
                }
            }
            Err(error) => self.suspend(&error, &Origins::default()),
        }
    }

    async fn resolve(&self) -> Result<(), StorageError> {
        // Waits for every transaction that has taken numbers: afterwards nothing is in doubt any more.
        let epoch = self.args.storage.known_history().map(|known| known.epoch);
        let head = within(PROBE_TIMEOUT, self.args.storage.probe_head(self.needed_space)).await?;
        match &self.args.announcer {
            Announcer::Direct(listeners) => self.announce_doubtful(listeners).await?,
            // The journal has what of a batch in doubt is there.
            Announcer::Relayed(relay) => relay.0.cast(RelayMsg::Settled { epoch, head }),
        }
        self.args.progress.settle(head);
        Ok(())
    }

    /// Announces what of a batch in doubt is in the store.
    async fn announce_doubtful(&self, listeners: &Listeners) -> Result<(), StorageError> {
        let Some(InDoubt { after, since, senders, effects }) = self.args.progress.in_doubt() else { return Ok(()) };
        let found = within(TRANSACTION_TIMEOUT, self.args.storage.committed_since(after, since, &senders)).await?;
        let effects = within(TRANSACTION_TIMEOUT, self.args.storage.effects_since(effects, since)).await?;
        metrics().messages.stored.add(found.len() as u64);
        let recovered = found.into_iter().map(|message| Delivery::Recovered {
            to: Audience::Members(message.conversation()),
            event: Arc::new(Event { seq: message.seq, body: EventBody::Message(message) }),
        });
        // Sockets that can resume ask the store, which also has what is not a message.
        listeners.registry.deliver(recovered.chain([Delivery::Resync(Resync::InDoubt)]).collect());
        listeners.act_on(effects);
        Ok(())
    }

    /// Writes nothing more until [`recover`](Self::recover) has found out where the database stands.
    pub(super) fn suspend(&mut self, error: &StorageError, origins: &Origins) {
        self.is_recovering = true;
        self.counters.kind().met(error);
        if let Some(kind) = error.failure() {
            metrics().store.failed(kind);
        }
        self.args.health.set_storage_works(false);
        if error.is_another_history() {
            self.args.announcer.doubt_history();
        }
        if !self.is_logged && self.last_logged.is_none_or(|logged| logged.elapsed() > LOG_EVERY) {
            (self.is_logged, self.last_logged) = (true, Some(Instant::now()));
            let (requests, connections) = (origins.requests(), origins.connections());
            tracing::error!(
                error = %error,
                request.ids = requests,
                connection.ids = connections,
                "cannot write to the database; trying again"
            );
        }
        self.mailbox.cast_after(self.retry, || PersistenceMsg::Recover);
        self.retry = (self.retry * 2).min(RETRY.end);
    }
}
