//! The relay: brings the batches of all servers on one PostgreSQL to the registry, in the order of their numbers.
//!
//! Supervised by the root. The writer hands it this server's batches; those of other servers it reads from the journal.
//! A batch waits for those before it, so on each socket `seq` only grows and nothing is skipped. When it fails, its
//! successor brings every socket up to date from the store. Bounds: own batches by the credit of sockets and the
//! permits of requests; of the journal one page at a time.

pub(super) mod batch;
pub(super) mod journal;
pub(super) mod messages;
mod sequencer;

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::mailbox::{Mailbox, Timed};
use super::registry::local_users::LocalUsers;
use super::registry::messages::Delivery;
use super::session::messages::Resync;
use super::stats::ActorCounters;
use crate::clock::Clock;
use crate::domain::{Seq, Timestamp};
use crate::storage::{Storage, StorageError};
use crate::telemetry::metrics;
use batch::{Batch, Listeners};
use journal::{Found, look};
use messages::RelayMsg;
use sequencer::Sequencer;

/// Seconds before the last complete look, from which on ended logins are searched for after a gap that the journal does
/// not cover: clocks of servers differ.
const ENDED_BEFORE_S: i64 = 3600;

pub(super) struct RelayActor(pub(super) Arc<ActorCounters>);

#[derive(Clone)]
pub(super) struct RelayArgs {
    pub(super) storage: Arc<Storage>,
    pub(super) clock: Clock,
    pub(super) local: LocalUsers,
    pub(super) listeners: Listeners,
    /// The number up to which everything counts as told, for the first incarnation; the others bring all sockets up to
    /// date.
    pub(super) start: Arc<std::sync::Mutex<Option<Seq>>>,
    /// Time between two looks into the journal.
    pub(super) poll: Duration,
}

pub(super) struct RelayState {
    args: RelayArgs,
    mailbox: Mailbox<RelayMsg>,
    sequencer: Sequencer<Batch>,
    /// Everything must be read from the store: a predecessor has failed.
    is_behind: bool,
    /// Own batches up to this number do not come from the writer any more.
    lost: Seq,
    looking: Looking,
    /// The time of the last look that has found the end of the journal.
    complete_at: Timestamp,
    /// The time from which on logins have ended that this server has not heard of, until the store has named them.
    endings_from: Option<Timestamp>,
    is_failing: bool,
}

/// Whether a look is on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looking {
    /// None is.
    Not,
    /// One is.
    Once,
    /// One is, and what happened since asks for another.
    Twice,
}

impl Actor for RelayActor {
    type Msg = Timed<RelayMsg>;
    type State = RelayState;
    type Arguments = RelayArgs;

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, args: RelayArgs) -> Result<RelayState, ActorProcessingErr> {
        let mailbox = Mailbox::new(myself, self.0.clone());
        let start = args.start.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        mailbox.cast_every(args.poll, || RelayMsg::Look);
        mailbox.cast(RelayMsg::Look);
        Ok(RelayState {
            sequencer: Sequencer::new(start.unwrap_or(Seq(i64::MIN / 2))),
            is_behind: start.is_none(),
            complete_at: args.clock.now(),
            args,
            mailbox,
            lost: Seq(0),
            looking: Looking::Not,
            endings_from: None,
            is_failing: false,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut RelayState,
    ) -> Result<(), ActorProcessingErr> {
        let (message, _busy) = message.open(&self.0);
        match message {
            RelayMsg::Own { first, last, batch } => {
                metrics().own_records.increment(1);
                state.sequencer.offer(first, last, batch);
                state.pass();
                if state.sequencer.has_gap() {
                    state.look();
                }
            }
            RelayMsg::Settled(head) => {
                state.lost = state.lost.max(head);
                state.look();
            }
            RelayMsg::Look if state.looking != Looking::Not => {}
            RelayMsg::Look => state.look(),
            RelayMsg::Found(found) => {
                let looking = std::mem::replace(&mut state.looking, Looking::Not);
                match found {
                    Ok(found) => state.found(found, looking == Looking::Twice).await,
                    Err(error) => state.failed(&error, &self.0),
                }
            }
            #[cfg(feature = "testing")]
            RelayMsg::Crash => super::mailbox::crash(),
        }
        Ok(())
    }
}

impl RelayState {
    /// Looks into the journal, or once more when a look is on its way.
    fn look(&mut self) {
        if self.looking != Looking::Not {
            self.looking = Looking::Twice;
            return;
        }
        self.looking = Looking::Once;
        let RelayArgs { storage, clock, local, .. } = self.args.clone();
        let (mailbox, told, lost) = (self.mailbox.clone(), self.sequencer.told(), self.lost);
        tokio::spawn(async move {
            mailbox.cast(RelayMsg::Found(look(&storage, &clock, &local, told, lost).await));
        });
    }

    async fn found(&mut self, found: Found, looks_again: bool) {
        if std::mem::take(&mut self.is_failing) {
            tracing::info!("the journal of batches can be read again");
        }
        let had_gap = self.sequencer.has_gap();
        let is_reached = |first: Seq| first.0 <= found.after.0 + 1;
        let is_covered = found.head <= found.after || found.first.is_some_and(is_reached);
        if self.is_behind || !is_covered {
            self.resync(found.head);
        } else if had_gap && !found.batches.is_empty() {
            metrics().journal_gaps.increment(1);
        }
        for (first, last, batch) in found.batches {
            metrics().journal_records.increment(1);
            self.sequencer.offer(first, last, batch);
        }
        self.pass();
        self.act_on_missed_endings().await;
        if found.is_full || looks_again {
            self.look();
        } else {
            self.complete_at = self.args.clock.now();
        }
    }

    /// Hands on all batches that may pass.
    fn pass(&mut self) {
        while let Some(batch) = self.sequencer.next() {
            self.args.listeners.announce(batch);
        }
        #[expect(clippy::cast_precision_loss, reason = "shown, not compared")]
        metrics().told.set(self.sequencer.told().0 as f64);
    }

    /// Brings every socket up to date from the store: the journal does not reach back to what was told last.
    fn resync(&mut self, head: Seq) {
        metrics().resyncs.increment(1);
        tracing::warn!(
            told = self.sequencer.told().0,
            head = head.0,
            "batches of other servers were missed: all sockets read them from the store"
        );
        let answers_lost = std::mem::take(&mut self.is_behind);
        self.args.listeners.registry.deliver(vec![Delivery::Resync(Resync::Missed { answers_lost })]);
        self.args.listeners.presence.reconsider_all();
        // Up to the head at the latest: numbers that are given meanwhile come by the journal.
        self.sequencer.jump(head);
        self.endings_from.get_or_insert(self.complete_at.plus_secs(-ENDED_BEFORE_S));
    }

    /// Ends what has ended while batches were missed; the next look tries again when the store does not answer.
    async fn act_on_missed_endings(&mut self) {
        let Some(since) = self.endings_from else { return };
        match self.args.storage.endings_since(since).await {
            Ok(effects) => {
                self.endings_from = None;
                self.args.listeners.act_on(effects);
            }
            Err(error) => tracing::warn!(error = %error, "cannot look up which logins have ended; trying again"),
        }
    }

    fn failed(&mut self, error: &StorageError, counters: &ActorCounters) {
        counters.kind().met(error);
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::warn!(error = %error, "cannot read the journal of batches; trying again");
        }
    }
}
