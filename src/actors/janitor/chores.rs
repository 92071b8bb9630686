//! What the janitor does in small steps on a connection of its own, so that the writer waits for one step at most.

use std::sync::Arc;
use std::time::Instant;

use crate::domain::{MessageId, Timestamp};
use crate::storage::{Cleared, Storage, StorageError, ZerosWalk};
use crate::telemetry::{Destroyed, RowKind, metrics};

/// Most steps of one chore in one tick.
pub(super) const STEPS: usize = 64;

/// A task that is done in steps.
#[derive(Clone, Copy)]
pub(super) enum Chore {
    /// Destroys the messages of deleted accounts.
    WipeAccounts,
    /// Destroys the messages that a retention run has ended.
    Sweep,
    /// Takes files from users whose time is over.
    ExpireMedia(Timestamp),
    /// Drops tombstones and events from before the time.
    DropBefore(Timestamp),
    /// Deletes the zeros that destroyed messages have left, once a day.
    DropZeros(Timestamp),
    /// Drops marks of the clock that are old by the time.
    DropClockMarks(Timestamp),
    /// Drops tickets and deleted accounts that had expired by the time.
    DropTickets(Timestamp),
    /// Drops entries of the audit log from before the time, and those beyond so many.
    DropAudit(Timestamp, i64),
    /// Wipes what reports disclose, and drops reports, that are old by the time.
    DropReports(Timestamp),
    /// Drops invites that had ended long before the time.
    DropInvites(Timestamp),
    /// Drops rules about addresses that had ended by the time.
    DropAddressRules(Timestamp),
    /// Drops devices that have not been seen for so many seconds, and old requests that were made to wake devices.
    DropPush(i64, Timestamp),
    /// Drops logins that had expired by the time.
    DropLogins(Timestamp),
}

impl Chore {
    /// Returns as what is counted what it destroys, and what it drops.
    const fn counted_as(self) -> (Destroyed, RowKind) {
        match self {
            Self::WipeAccounts => (Destroyed::Account, RowKind::Messages),
            Self::Sweep => (Destroyed::Retention, RowKind::Messages),
            Self::ExpireMedia(_) => (Destroyed::Expired, RowKind::Media),
            Self::DropBefore(_) => (Destroyed::Retention, RowKind::Tombstones),
            Self::DropZeros(_) => (Destroyed::Retention, RowKind::Zeros),
            Self::DropClockMarks(_) => (Destroyed::Retention, RowKind::ClockMarks),
            Self::DropTickets(_) => (Destroyed::Account, RowKind::Tickets),
            Self::DropAudit(..) => (Destroyed::Retention, RowKind::Audit),
            Self::DropReports(_) => (Destroyed::Retention, RowKind::Reports),
            Self::DropInvites(_) => (Destroyed::Retention, RowKind::Invites),
            Self::DropAddressRules(_) => (Destroyed::Retention, RowKind::AddressRules),
            Self::DropPush(..) => (Destroyed::Retention, RowKind::Push),
            Self::DropLogins(_) => (Destroyed::Retention, RowKind::Logins),
        }
    }
}

/// What the chores need, and how far they have come.
pub(super) struct Chores {
    storage: Arc<Storage>,
    /// Life of an access token, in seconds: an ended login must be remembered for this long.
    access_token_s: i64,
    /// The newest message up to which retention has destroyed everything.
    swept: MessageId,
    /// How far the search for zeros has come.
    zeros: ZerosWalk,
}

impl Chores {
    pub(super) fn new(storage: Arc<Storage>, access_token_s: i64) -> Self {
        Self { storage, access_token_s, swept: MessageId(0), zeros: ZerosWalk::default() }
    }

    async fn run_step(&mut self, chore: Chore) -> Result<Cleared, StorageError> {
        match chore {
            Chore::WipeAccounts => self.storage.wipe_accounts().await,
            Chore::Sweep => self.storage.sweep(&mut self.swept).await,
            Chore::ExpireMedia(now) => self.storage.expire_media(now).await,
            Chore::DropBefore(horizon) => {
                let cleared = self.storage.drop_before(horizon).await?;
                if cleared.dropped > 0 {
                    self.zeros.note();
                }
                Ok(cleared)
            }
            Chore::DropZeros(now) => self.storage.drop_zeros(&mut self.zeros, now).await,
            Chore::DropClockMarks(now) => self.storage.drop_clock_marks(now).await,
            Chore::DropTickets(now) => self.storage.drop_tickets(now).await,
            Chore::DropAudit(horizon, keep) => self.storage.drop_audit(horizon, keep).await,
            Chore::DropReports(now) => self.storage.drop_reports(now).await,
            Chore::DropInvites(now) => self.storage.drop_invites(now).await,
            Chore::DropAddressRules(over) => self.storage.drop_address_rules(over).await,
            Chore::DropPush(forget_after_s, now) => self.storage.drop_push(forget_after_s, now).await,
            Chore::DropLogins(over) => {
                let ended = over.plus_secs(-self.access_token_s);
                self.storage.drop_logins(over, ended).await
            }
        }
    }

    /// Runs one chore, up to [`STEPS`] steps or until nothing is left to do.
    pub(super) async fn run(&mut self, chore: Chore) -> Result<(), StorageError> {
        for _ in 0..STEPS {
            let started = Instant::now();
            let cleared = self.run_step(chore).await?;
            let (why, kind) = chore.counted_as();
            metrics().messages.destroyed(why, cleared.destroyed);
            metrics().messages.dropped(kind, cleared.dropped);
            if cleared.destroyed > 0 {
                self.storage.mark_destroyed();
            }
            if !cleared.has_more {
                break;
            }
            // SQLite has one lock for writing, without a queue: the pause leaves the writer as much time as this step
            // took.
            tokio::time::sleep(started.elapsed()).await;
        }
        Ok(())
    }
}
