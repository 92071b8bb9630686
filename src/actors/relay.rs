//! The relay: brings the batches of all servers on one PostgreSQL to the registry, in the order of their numbers.
//!
//! Supervised by the root. The writer hands it this server's batches, of which it tells the others by the link; those
//! of other servers it hears there, and reads what it has missed from the journal. A batch waits for those before it,
//! so on each socket `seq` only grows and nothing is skipped. When it fails, its successor brings every socket up to
//! date from the store. Bounds: own batches by the credit of sockets and the permits of requests; of the journal one
//! page at a time; words of the link by their places, and what waits of them by the sequencer.

pub(super) mod batch;
mod copies;
mod foreign;
mod history;
pub(super) mod journal;
pub(super) mod link;
pub(super) mod looks;
pub(super) mod messages;
mod passing;
mod sequencer;
mod words;

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::health::Health;
use super::mailbox::{Mailbox, Timed};
use super::registry::local_users::LocalUsers;
use super::registry::messages::Delivery;
use super::session::messages::Resync;
use super::stats::ActorCounters;
use super::who::messages::Others;
use crate::clock::Clock;
use crate::domain::{Epoch, Seq, Timestamp};
use crate::storage::{CommittedBatch, Storage, StorageError};
use crate::telemetry::{Dropped, metrics};
use batch::{Batch, Listeners};
use journal::{Found, look};
use link::{Link, Unreadable};
use looks::{Looks, Pace};
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
    pub(super) health: Arc<Health>,
    /// The number up to which everything counts as told, for the first incarnation; the others bring all sockets up to
    /// date.
    pub(super) start: Arc<std::sync::Mutex<Option<Seq>>>,
    /// The way to the other servers beside the store, if there is one.
    pub(super) link: Option<Link>,
    /// Who is connected at the other servers.
    pub(super) others: Others,
    pub(super) pace: Pace,
}

pub(super) struct RelayState {
    args: RelayArgs,
    mailbox: Mailbox<RelayMsg>,
    sequencer: Sequencer<Batch>,
    /// The history that its batches are of.
    epoch: Option<Epoch>,
    /// Whether the history that the store has now is being looked up.
    is_leaving: bool,
    /// Everything must be read from the store: a predecessor has failed.
    is_behind: bool,
    /// Own batches up to this number do not come from the writer any more.
    lost: Seq,
    looks: Looks,
    /// The number behind which batches are missing that others wait for.
    gap: Option<Seq>,
    unreadable: Unreadable,
    /// The time of the last look that has found the end of the journal.
    complete_at: Timestamp,
    /// The time from which on logins have ended that this server has not heard of, until the store has named them.
    endings_from: Option<Timestamp>,
}

impl Actor for RelayActor {
    type Msg = Timed<RelayMsg>;
    type State = RelayState;
    type Arguments = RelayArgs;

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, args: RelayArgs) -> Result<RelayState, ActorProcessingErr> {
        let mailbox = Mailbox::new(myself, self.0.clone());
        let start = args.start.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let looks = Looks::new(args.pace);
        mailbox.cast_every(looks.tick(), || RelayMsg::Look);
        mailbox.cast(RelayMsg::Look);
        Ok(RelayState {
            sequencer: Sequencer::new(start.unwrap_or(Seq(i64::MIN / 2))),
            epoch: args.storage.known_history().map(|known| known.epoch),
            is_leaving: false,
            is_behind: start.is_none(),
            complete_at: args.clock.now(),
            args,
            mailbox,
            lost: Seq(0),
            looks,
            gap: None,
            unreadable: Unreadable::new(),
            endings_from: None,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut RelayState,
    ) -> Result<(), ActorProcessingErr> {
        let (message, _busy) = message.open(&self.0);
        #[cfg(feature = "testing")]
        self.0.kind().fault().suffer().await;
        match message {
            // Dropped, a batch of a former history refuses the requests in it.
            RelayMsg::Own { committed, .. } if committed.epoch != state.epoch => {}
            RelayMsg::Settled { epoch, .. } if epoch != state.epoch => {}
            RelayMsg::Own { committed, batch } => state.own(&committed, batch),
            RelayMsg::Heard { epoch, .. } | RelayMsg::Foreign { epoch, .. } if Some(&epoch) != state.epoch.as_ref() => {
                metrics().cluster.dropped(Dropped::Epoch);
            }
            RelayMsg::Heard { epoch, heard } => state.heard(epoch, heard),
            RelayMsg::Foreign { first, last, batch, place, .. } => {
                drop(place);
                state.foreign(first, last, batch);
            }
            RelayMsg::GapIsOld(told) if state.gap != Some(told) => {}
            RelayMsg::GapIsOld(_) | RelayMsg::Doubt => state.look(),
            RelayMsg::Settled { head, .. } => {
                state.lost = state.lost.max(head);
                state.look();
            }
            RelayMsg::Look => {
                state.note_link();
                if state.looks.is_due(state.link_is_up() && state.gap.is_none()) {
                    state.look();
                }
            }
            RelayMsg::Found { epoch, found } => {
                let looks_again = state.looks.end();
                match found {
                    // That this one is over is known.
                    _ if epoch != state.epoch => state.look(),
                    Ok(found) if Some(&found.epoch) != state.epoch.as_ref() => state.look(),
                    Ok(found) => state.found(found, looks_again).await,
                    Err(error) if error.is_another_history() => state.leave_history(),
                    Err(error) => state.failed(&error, &self.0),
                }
            }
            RelayMsg::Anew(Ok(history)) => state.begin_anew(history),
            RelayMsg::Anew(Err(error)) => {
                state.is_leaving = false;
                state.failed(&error, &self.0);
            }
            #[cfg(feature = "testing")]
            RelayMsg::Crash => super::mailbox::crash(),
        }
        Ok(())
    }
}

impl RelayState {
    /// Takes a batch of this server.
    fn own(&mut self, committed: &CommittedBatch, batch: Batch) {
        metrics().cluster.own_records.increment(1);
        self.announce_batch(committed, &batch);
        self.sequencer.offer(committed.first, committed.last, batch);
        self.pass();
        self.mind_gap();
    }

    /// Takes a batch of another server.
    fn foreign(&mut self, first: Seq, last: Seq, batch: Batch) {
        if !self.has_room(first) {
            return;
        }
        metrics().cluster.nats_records.increment(1);
        self.sequencer.offer(first, last, batch);
        self.pass();
        self.mind_gap();
    }

    /// Looks after a gap: at once, or a little later when what is missing may be on its way.
    fn mind_gap(&mut self) {
        let gap = self.sequencer.has_gap().then(|| self.sequencer.told());
        if gap == self.gap {
            return;
        }
        if std::mem::replace(&mut self.gap, gap).is_some() {
            metrics().cluster.waited_gaps.increment(1);
        }
        let Some(told) = gap else { return };
        if self.link_is_up() {
            self.mailbox.cast_after(self.args.pace.gap_wait, move || RelayMsg::GapIsOld(told));
        } else {
            self.look();
        }
    }

    /// Looks into the journal, or once more when a look is on its way.
    fn look(&mut self) {
        if !self.looks.begin() {
            return;
        }
        let RelayArgs { storage, clock, local, .. } = self.args.clone();
        let (mailbox, epoch, told, lost) = (self.mailbox.clone(), self.epoch.clone(), self.sequencer.told(), self.lost);
        tokio::spawn(async move {
            let found = look(&storage, &clock, &local, told, lost).await;
            mailbox.cast(RelayMsg::Found { epoch, found });
        });
    }

    async fn found(&mut self, found: Found, looks_again: bool) {
        if self.looks.note(false) {
            tracing::info!("the journal of batches can be read again");
        }
        let gap = self.gap.take();
        if self.is_behind || !(found.head <= self.sequencer.told() || found.reaches_back()) {
            self.resync(found.head);
        } else if gap.is_some() && !found.batches.is_empty() {
            metrics().cluster.journal_gaps.increment(1);
        }
        for (first, last, batch) in found.batches {
            metrics().cluster.journal_records.increment(1);
            self.sequencer.offer(first, last, batch);
        }
        self.pass();
        if gap == Some(self.sequencer.told()) && self.sequencer.has_gap() {
            // It is not in the journal yet: the next look is for it.
            self.gap = gap;
        }
        self.mind_gap();
        self.act_on_missed_endings().await;
        // What waits for an own batch would only be read again.
        if looks_again || (found.is_full && self.sequencer.told() > found.after) {
            self.look();
        } else if !found.is_full {
            self.complete_at = self.args.clock.now();
            self.args.health.set_history_changes(false);
        }
    }

    /// Brings every socket up to date from the store: the journal does not reach back to what was told last.
    fn resync(&mut self, head: Seq) {
        metrics().cluster.resyncs.increment(1);
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
        if self.looks.note(true) {
            tracing::warn!(error = %error, "cannot read the journal of batches; trying again");
        }
    }
}
