//! The janitor: lets messages and logins expire, destroys messages of retention and of deleted accounts, drops old
//! tombstones and ended logins, removes files that are gone, and empties the write-ahead log of destroyed content.
//!
//! Supervised by the root. It has no state that matters: its successor finds in the store what is left to do. Changes
//! that get a number go through the writer as commands; the others happen in small batches on a connection of its own.
//! Bound: its mailbox holds one tick.

mod chores;
mod files;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{OptionFuture, join_all};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::Semaphore;

use chores::{Chore, Chores, STEPS};
use files::Removal;
pub use files::{Files, RemoveFile};

use super::mailbox::{Mailbox, Timed};
use super::persistence::messages::PersistenceHandle;
use super::persistence::reply::RequestPermit;
use super::registry::messages::RegistryHandle;
use super::stats::ActorCounters;
use crate::clock::Clock;
use crate::config;
use crate::domain::{LoginEnd, LoginId, MessageId, Timestamp};
use crate::storage::{BATCH, Storage, StorageError};
use crate::telemetry::{Destroyed, metrics};

/// Emptying the log waits for readers, so it is not done at every tick.
const CHECKPOINT_EVERY: u32 = 4;
/// Microseconds ahead of the clock from which time stamps are reported.
const AHEAD_US: i64 = 60_000_000;
/// Ticks between two searches for old tombstones and tickets.
const DROP_EVERY: u32 = 16;
/// Ticks between two drops of expired logins. Only those are dropped that had expired at the previous time, too: a
/// clock that was wrong for a moment, as after a cold start, signs no user out.
const LOOK_EVERY: u32 = 64;

/// The lease of the janitor's chores among the servers on one store.
const LEASE: &str = "janitor";
/// The length of the lease in rounds of the janitor, each of which prolongs it, and the least.
const LEASE_ROUNDS: u32 = 7;
const LEAST_LEASE: Duration = Duration::from_secs(1);

pub(super) enum JanitorMsg {
    Tick,
}

pub(super) struct JanitorActor(pub(super) Arc<ActorCounters>);

#[derive(Clone)]
pub(super) struct JanitorArgs {
    pub(super) storage: Arc<Storage>,
    pub(super) clock: Clock,
    pub(super) persistence: PersistenceHandle,
    pub(super) registry: RegistryHandle,
    pub(super) config: config::Messages,
    pub(super) audit: config::Audit,
    /// Seconds for which the journal keeps a batch.
    pub(super) journal_s: i64,
    /// Life of an access token, in seconds: an ended login must be remembered for this long.
    pub(super) access_token_s: i64,
    /// Seconds after its end for which a rule about an address is kept.
    pub(super) forget_bans_s: i64,
    /// How the bytes of files are removed; `None` where there are no files.
    pub(super) remove_file: Option<RemoveFile>,
    /// Seconds after which a device that was not seen is woken no more.
    pub(super) forget_targets_s: i64,
}

pub(super) struct JanitorState {
    args: JanitorArgs,
    mailbox: Mailbox<JanitorMsg>,
    ticks: u32,
    chores: Chores,
    last_retention: Option<Instant>,
    /// The login whose expiry was noticed last.
    expired: (Timestamp, LoginId),
    /// The time of the last search for expired logins to drop.
    looked_at: Option<Timestamp>,
    /// Whether the log reports that time stamps are ahead of the clock.
    is_ahead: bool,
    /// The permit of the one round of commands that may be with the writer.
    rounds: Arc<Semaphore>,
    removal: Removal,
    is_failing: bool,
}

impl Actor for JanitorActor {
    type Msg = Timed<JanitorMsg>;
    type State = JanitorState;
    type Arguments = JanitorArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        args: JanitorArgs,
    ) -> Result<JanitorState, ActorProcessingErr> {
        let mailbox = Mailbox::new(myself, self.0.clone());
        mailbox.cast(JanitorMsg::Tick);
        let chores = Chores::new(args.storage.clone(), args.access_token_s);
        Ok(JanitorState {
            args,
            mailbox,
            ticks: 0,
            chores,
            last_retention: None,
            expired: (Timestamp::from_micros(0), LoginId(0)),
            looked_at: None,
            is_ahead: false,
            rounds: Arc::new(Semaphore::new(1)),
            removal: Removal::default(),
            is_failing: false,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut JanitorState,
    ) -> Result<(), ActorProcessingErr> {
        let (JanitorMsg::Tick, _busy) = message.open(&self.0);
        #[cfg(feature = "testing")]
        self.0.kind().fault().suffer().await;
        let round = Box::pin(state.tick()).await.unwrap_or_else(|error| {
            self.0.kind().met(&error);
            // Logged once, not at every tick.
            if !std::mem::replace(&mut state.is_failing, true) {
                tracing::warn!(error = %error, "cannot clear away what is over; trying again");
            }
            Round::default()
        });
        let (persistence, every) = (state.args.persistence.clone(), state.args.config.clear_every());
        let (mailbox, rounds) = (state.mailbox.clone(), state.rounds.clone());
        // The next tick waits for the writer's replies, so that it does not send the same commands again.
        tokio::spawn(async move {
            let is_full = round.expired.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
            // The semaphore is never closed.
            let works = match rounds.acquire_owned().await {
                Ok(permit) => round.carry_out(&persistence, RequestPermit::new(permit)).await,
                Err(_) => false,
            };
            if !(is_full && works) {
                tokio::time::sleep(every).await;
            }
            mailbox.cast(JanitorMsg::Tick);
        });
        Ok(())
    }
}

/// The commands of one tick.
#[derive(Default)]
struct Round {
    /// Messages that have expired.
    expired: Vec<MessageId>,
    /// Everything older is destroyed, by the server's retention.
    retain: Option<Timestamp>,
}

impl Round {
    /// Sends all commands to the writer together. Returns whether all of them were carried out.
    async fn carry_out(self, persistence: &PersistenceHandle, permit: RequestPermit) -> bool {
        let count = self.expired.len() as u64;
        let expired = self.expired.into_iter().map(|id| persistence.expire(id, permit.clone()));
        let retained = self.retain.map(|before| persistence.retain(before, permit.clone()));
        let (expired, retained) = tokio::join!(join_all(expired), OptionFuture::from(retained));
        let works = expired.into_iter().chain(retained).all(|done| done.is_ok());
        if works {
            metrics().messages.destroyed(Destroyed::Expired, count);
        }
        works
    }
}

impl JanitorState {
    /// Runs the chores that are due, and returns the commands for the writer.
    async fn tick(&mut self) -> Result<Round, StorageError> {
        self.ticks = self.ticks.wrapping_add(1);
        if self.args.storage.check_files().await.is_err() {
            // The writer logs its own failures.
            return Ok(Round::default());
        }
        // A machine's clock may have been set since a batch has corrected it, and what is destroyed does not come back.
        match self.args.storage.correct_clock(&self.args.clock).await {
            // The relay says so, and acts on it.
            Err(error) if error.is_another_history() => return Ok(Round::default()),
            corrected => corrected?,
        }
        let now = self.args.clock.now();
        self.compare_clocks(now).await?;
        self.close_expired(now).await?;
        let lease = (self.args.config.clear_every() * LEASE_ROUNDS).max(LEAST_LEASE);
        if !self.args.storage.take_lease(LEASE, lease).await? {
            // Another server does the rest.
            self.is_failing = false;
            return Ok(Round::default());
        }
        self.args.storage.clear_journal(self.args.journal_s).await?;
        let expired = self.args.storage.expired(now).await?;
        let round = Round { expired, retain: self.retention(now).await? };
        let storage = self.args.storage.clone();
        self.chores.run(Chore::WipeAccounts).await?;
        self.chores.run(Chore::Sweep).await?;
        self.chores.run(Chore::ExpireMedia(now)).await?;
        if let Some(remove_file) = &self.args.remove_file {
            self.removal.remove_files(&storage, remove_file).await?;
        }
        if self.ticks.is_multiple_of(DROP_EVERY) {
            let horizon = storage.stamp_of(now.plus_secs(-self.args.config.keep_deleted_s()), now).await?;
            self.chores.run(Chore::DropBefore(horizon)).await?;
            self.chores.run(Chore::DropZeros(now)).await?;
            self.chores.run(Chore::DropClockMarks(now)).await?;
            self.chores.run(Chore::DropTickets(now)).await?;
            self.chores.run(Chore::DropInvites(now)).await?;
            self.chores.run(Chore::DropReports(now)).await?;
            self.chores.run(Chore::DropPush(self.args.forget_targets_s, now)).await?;
            let audit = self.args.audit;
            self.chores.run(Chore::DropAudit(now.plus_secs(-audit.keep_s()), audit.keep_entries)).await?;
            self.chores.run(Chore::DropAddressRules(now.plus_secs(-self.args.forget_bans_s))).await?;
        }
        if self.ticks.is_multiple_of(LOOK_EVERY)
            && let Some(last) = self.looked_at.replace(now)
        {
            self.chores.run(Chore::DropLogins(last.min(now))).await?;
        }
        if self.ticks.is_multiple_of(CHECKPOINT_EVERY) && storage.take_destroyed() {
            if storage.checkpoint().await? {
                metrics().store.checkpoints.increment(1);
            } else {
                storage.mark_destroyed();
            }
        }
        self.is_failing = false;
        Ok(round)
    }

    /// Reports time stamps that are ahead of the clock to operators, once.
    async fn compare_clocks(&mut self, now: Timestamp) -> Result<(), StorageError> {
        let ahead = self.args.storage.ahead_of(now).await?.max(0);
        #[expect(clippy::cast_precision_loss, reason = "a microsecond more or less does not matter")]
        metrics().store.ahead_seconds.set(ahead as f64 / 1e6);
        let is_ahead = ahead > AHEAD_US;
        if is_ahead && !self.is_ahead {
            tracing::warn!(
                ahead_s = ahead / 1_000_000,
                "time stamps are ahead of the clock and go on from the newest one until it has caught up: is it right?"
            );
        } else if self.is_ahead && !is_ahead {
            tracing::info!("the clock has caught up with the time stamps");
        }
        self.is_ahead = is_ahead;
        Ok(())
    }

    /// Closes the sockets of logins that have expired since this was last done.
    async fn close_expired(&mut self, now: Timestamp) -> Result<(), StorageError> {
        if self.expired.0 > now {
            // The clock was set back.
            self.expired = (now, LoginId(0));
        }
        for _ in 0..STEPS {
            let expired = self.args.storage.expired_logins(self.expired, now).await?;
            let Some(last) = expired.last() else { break };
            self.expired = (last.at, last.login);
            for login in &expired {
                self.args.registry.end_logins(login.user, &[login.login], LoginEnd::Revoked);
            }
        }
        Ok(())
    }

    /// Returns what the server's retention ends when it is due: one event a run, not one a message.
    async fn retention(&mut self, now: Timestamp) -> Result<Option<Timestamp>, StorageError> {
        let Some(keep) = self.args.config.retention() else { return Ok(None) };
        if self.last_retention.is_some_and(|last| last.elapsed() < self.args.config.retention_every()) {
            return Ok(None);
        }
        let before = self.args.storage.stamp_of(now.plus_secs(-keep), now).await?;
        let is_due = self.args.storage.has_messages_before(before).await?;
        self.last_retention = Some(Instant::now());
        Ok(is_due.then_some(before))
    }
}
