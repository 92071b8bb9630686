//! Push: wakes devices whose apps sleep. What it wakes them for is in the store, written by the writer with each
//! message; it writes down what devices have acknowledged, and what came of its requests.
//!
//! Supervised by the root. It has no state that matters: its death delays wake-ups, since its successor finds in the
//! store what is owed, and gives up the requests whose answers it will not see. Such a request may be made twice, under
//! the same collapse key. Bounds: its mailbox holds one tick, its requests are as many as the configuration allows, and
//! no more devices than that wait for theirs in memory.

mod counts;
mod flights;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::mailbox::{Mailbox, Slot, Timed};
use super::stats::ActorCounters;
use crate::clock::Clock;
use crate::domain::{LeaseEnd, LeasedTarget, PushOutcome, PushProvider, Timestamp, UserId};
use crate::push::{ProviderState, Sender};
use crate::storage::{Storage, StorageError};
use crate::telemetry::metrics;
use flights::{Flights, Start};

/// Longest time between two looks at what is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Shortest time between two ticks: what happens meanwhile is done together.
const GAP: Duration = Duration::from_millis(10);
/// How often what devices have said is written down, at most.
const NOTES_EVERY: Duration = Duration::from_secs(1);
/// How often is counted what is owed, and dropped what belongs to ended logins.
const COUNT_EVERY: Duration = Duration::from_secs(15);
/// How often the requests of servers that have gone are looked for.
const VOID_EVERY: Duration = Duration::from_secs(5);
/// Seconds after which a request counts as lost: longer than any request takes.
const LEASE_S: i64 = 60;
/// Seconds in which a device whose connection was closed usually comes back.
const RETURNS_WITHIN_S: i64 = 10;
/// Steps of the look for what a previous process has left undone, in one tick.
const SWEEP_STEPS: usize = 16;

pub(in crate::actors) enum PushMsg {
    Tick,
    #[cfg(feature = "testing")]
    Crash,
}

/// The handle of the push actor, which stays the same over restarts.
#[derive(Clone)]
pub struct PushHandle(pub(super) Slot<PushMsg>);

impl PushHandle {
    /// Makes the actor fail, for tests.
    #[cfg(feature = "testing")]
    pub fn crash(&self) {
        self.0.cast(PushMsg::Crash);
    }
}

pub(super) struct PushActor(pub(super) Arc<ActorCounters>);

#[derive(Clone)]
pub(super) struct PushArgs {
    pub(super) storage: Arc<Storage>,
    pub(super) clock: Clock,
    pub(super) sender: Arc<dyn Sender>,
    /// Requests at once.
    pub(super) concurrency: usize,
    /// Whether this server has not yet given up the requests of a previous process.
    pub(super) is_new: Arc<AtomicBool>,
}

pub(super) struct PushState {
    args: PushArgs,
    mailbox: Mailbox<PushMsg>,
    flights: Flights,
    /// What has become of leases, until it is written down.
    ended: Vec<(LeasedTarget, LeaseEnd)>,
    /// Where the look for what a previous process has left undone goes on.
    swept_to: Option<(UserId, String)>,
    has_begun: bool,
    noted_at: Option<Instant>,
    voided_at: Option<Instant>,
    counted_at: Option<Instant>,
    is_failing: bool,
}

impl Actor for PushActor {
    type Msg = Timed<PushMsg>;
    type State = PushState;
    type Arguments = PushArgs;

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, args: PushArgs) -> Result<PushState, ActorProcessingErr> {
        let mailbox = Mailbox::new(myself, self.0.clone());
        mailbox.cast(PushMsg::Tick);
        let flights = Flights::new(args.sender.clone(), args.clock.clone(), args.concurrency);
        Ok(PushState {
            args,
            mailbox,
            flights,
            ended: Vec::new(),
            swept_to: Some((UserId(0), String::new())),
            has_begun: false,
            noted_at: None,
            voided_at: None,
            counted_at: None,
            is_failing: false,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut PushState,
    ) -> Result<(), ActorProcessingErr> {
        let (message, _busy) = message.open(&self.0);
        #[cfg(feature = "testing")]
        self.0.kind().fault().suffer().await;
        match message {
            PushMsg::Tick => {
                let next = Box::pin(state.tick()).await.unwrap_or_else(|error| {
                    self.0.kind().met(&error);
                    if !std::mem::replace(&mut state.is_failing, true) {
                        tracing::warn!(error = %error, "cannot wake devices: the database fails; trying again");
                    }
                    LOOK_EVERY
                });
                state.tick_after(next);
            }
            #[cfg(feature = "testing")]
            PushMsg::Crash => super::mailbox::crash(),
        }
        Ok(())
    }
}

impl PushState {
    /// Looks again when something may be due, and in any case after `wait`.
    fn tick_after(&self, wait: Duration) {
        let (mailbox, devices) = (self.mailbox.clone(), self.args.storage.devices().clone());
        tokio::spawn(async move {
            let _ = tokio::time::timeout(wait, devices.due()).await;
            tokio::time::sleep(GAP).await;
            mailbox.cast(PushMsg::Tick);
        });
    }

    /// Does what is due, and returns when there is more to do.
    async fn tick(&mut self) -> Result<Duration, StorageError> {
        let now = self.args.clock.now();
        if self.args.storage.check_files().await.is_err() {
            // The writer logs its own failures.
            return Ok(LOOK_EVERY);
        }
        self.begin(now).await?;
        self.write_notes(now).await?;
        self.take_answers();
        self.settle(now).await?;
        if is_due(&mut self.voided_at, VOID_EVERY) {
            self.void_leases_of_gone(now).await?;
        }
        if is_due(&mut self.counted_at, COUNT_EVERY) {
            self.args.storage.drop_ended_targets(now).await?;
            self.count(now).await?;
        }
        self.lease(now).await?;
        let next = self.start(now);
        // What cannot be sent now is put off at once, so that others can have it.
        self.settle(now).await?;
        self.is_failing = false;
        Ok(next.min(LOOK_EVERY))
    }

    /// Gives up the requests of a predecessor, and owes what a previous process was about to owe.
    async fn begin(&mut self, now: Timestamp) -> Result<(), StorageError> {
        let storage = &self.args.storage;
        if !self.has_begun {
            // Nobody else uses a SQLite store; on PostgreSQL other servers may be at work.
            let of_all = self.args.is_new.load(Ordering::Relaxed) && !storage.has_journal();
            storage.void_leases(of_all, now).await?;
            self.args.is_new.store(false, Ordering::Relaxed);
            storage.look_for_targets().await?;
            self.has_begun = true;
        }
        for _ in 0..SWEEP_STEPS {
            let Some(after) = &self.swept_to else { break };
            self.swept_to = storage.sweep_targets(after, now, now.plus_secs(RETURNS_WITHIN_S)).await?;
        }
        Ok(())
    }

    /// Gives up the requests of other servers that have gone.
    async fn void_leases_of_gone(&self, now: Timestamp) -> Result<(), StorageError> {
        let voided = self.args.storage.void_leases_of_gone(now, now.plus_secs(LEASE_S)).await?;
        if voided > 0 {
            tracing::info!(devices = voided, "a server that is gone was about to wake devices: others do it");
        }
        Ok(())
    }

    /// Writes down what devices have said, and owes wake-ups to those that have not.
    async fn write_notes(&mut self, now: Timestamp) -> Result<(), StorageError> {
        if !is_due(&mut self.noted_at, NOTES_EVERY) {
            return Ok(());
        }
        let (storage, devices) = (&self.args.storage, self.args.storage.devices());
        storage.look_for_targets().await?;
        let notes = devices.take(now.plus_secs(-RETURNS_WITHIN_S));
        if notes.is_empty() {
            return Ok(());
        }
        match storage.write_notes(notes.clone(), now, now).await {
            Ok(later) => {
                devices.put_back(later);
                Ok(())
            }
            Err(error) => {
                devices.put_back(notes);
                Err(error)
            }
        }
    }

    /// Takes the answers that have come.
    fn take_answers(&mut self) {
        for (target, end) in self.flights.landed() {
            if let LeaseEnd::Sent { sent, at, wake_id } = &end {
                let provider = target.address.provider();
                metrics().push.sent(provider, sent.outcome, sent.took);
                match sent.outcome {
                    PushOutcome::Accepted => {
                        let (device, id) = (target.device.clone(), wake_id.clone());
                        self.args.storage.devices().woken(target.user, device, provider, id, *at);
                    }
                    PushOutcome::Dead if !sent.is_fused => metrics().push.deleted(provider),
                    PushOutcome::GaveUp => {
                        let (status, reason) = (sent.status, sent.reason.as_deref());
                        tracing::warn!(
                            provider = provider.as_str(),
                            http.status = status,
                            reason,
                            "a wake-up was refused"
                        );
                    }
                    PushOutcome::Dead | PushOutcome::Config | PushOutcome::Retry => {}
                }
            }
            self.ended.push((target, end));
        }
    }

    async fn settle(&mut self, now: Timestamp) -> Result<(), StorageError> {
        if self.ended.is_empty() {
            return Ok(());
        }
        let later = self.args.storage.settle(&self.ended, now).await?;
        let mut place = 0..;
        self.ended.retain(|_| place.next().is_some_and(|place| later.contains(&place)));
        Ok(())
    }

    /// Leases as many devices as there is room for requests.
    async fn lease(&mut self, now: Timestamp) -> Result<(), StorageError> {
        let room = self.flights.room();
        if room == 0 || !self.args.storage.devices().has_targets() {
            return Ok(());
        }
        // Of Web Push, only single origins are held back.
        let is_held = |state| matches!(state, ProviderState::Open | ProviderState::Stopped);
        let status = self.args.sender.status(now).into_iter();
        let held: Vec<PushProvider> = status
            .filter(|status| !status.is_configured || is_held(status.state) && status.until.is_some_and(|at| at > now))
            .map(|status| status.provider)
            .filter(|provider| *provider != PushProvider::WebPush)
            .collect();
        let leased = self.args.storage.lease_due(&held, room, now, now.plus_secs(LEASE_S)).await?;
        self.flights.wait(leased);
        Ok(())
    }

    /// Makes the requests that may be made now, and returns when more may.
    fn start(&mut self, now: Timestamp) -> Duration {
        let devices = self.args.storage.devices().clone();
        let Start { put_off, next } = self.flights.start(now, move || devices.note_due());
        self.ended.extend(put_off.into_iter().map(|(target, until)| (target, LeaseEnd::PutOff(until))));
        next.unwrap_or(LOOK_EVERY)
    }
}

/// Returns whether so much time has passed since `last`, which is now then.
fn is_due(last: &mut Option<Instant>, every: Duration) -> bool {
    let is_due = last.is_none_or(|last| last.elapsed() >= every);
    if is_due {
        *last = Some(Instant::now());
    }
    is_due
}
