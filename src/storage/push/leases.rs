//! Requests to providers: what is due is leased, so that only one server makes a request for a device, and what came of
//! the request is written down.

mod statements;

use crate::domain::{
    Attempted, DeviceId, LeaseEnd, LeasedTarget, Outbox, PushOutcome, PushProvider, Sent, Seq, Timestamp, UserId,
    WakeId,
};
use crate::storage::cluster::LIVE_US;
use crate::storage::engine::row::{FromRow as _, Row};
use crate::storage::engine::tx::{PoolTransaction, Tx as _};
use crate::storage::push::SKIP_LOCKED;
use crate::storage::push::columns::{AddressColumns, OutboxColumns, WRITE_OUTBOX};
use crate::storage::{Storage, StorageError};
use crate::telemetry::Pool;

use statements::{DELETE, FORGET_OLDEST, LOCK_USER, RECORD, VOID, VOID_GONE};
pub(in crate::storage) use statements::{DROP_ENDED, HELD, IS_HELD, LEASE, LEASE_ONE};

/// Most requests of one device that are kept.
const KEPT: i64 = 100;

/// How a lease was settled.
enum Settled {
    Done,
    /// Another transaction has the row: it is done later.
    Later,
}

impl Storage {
    /// Leases at most `most` devices that are due, until `until`, but for those of the providers `held`.
    pub async fn lease_due(
        &self,
        held: &[PushProvider],
        most: usize,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<LeasedTarget>, StorageError> {
        let skip = SKIP_LOCKED.of(self.backend());
        let held = |place: usize| held.get(place).map_or(0, |provider| provider.stored());
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let (node, now_us) = (self.boot(), now.as_micros());
        let tx = self.begin_on((Pool::Wakes, &self.wakes), None).await?;
        let values = [
            node.into(),
            until.as_micros().into(),
            now_us.into(),
            most.into(),
            held(0).into(),
            held(1).into(),
            held(2).into(),
        ];
        let rows = tx.query(self.statement(LEASE.replace("{skip}", skip), values)).await?;
        let mut leased = Vec::with_capacity(rows.len());
        for row in rows {
            let (outbox, address) = read(row)?;
            if outbox.owed.is_some() {
                leased.push(lease(&outbox, address, node, until)?);
            } else {
                // A request was lost whose device has come since.
                let mut idle = outbox.outbox();
                idle.void_lease(now);
                self.write(&tx, &outbox, &idle, None).await?;
            }
        }
        tx.commit().await?;
        Ok(leased)
    }

    /// Leases one device until `until`, due or not; `None` when there is none, or a request is on its way.
    pub async fn lease_device(
        &self,
        user: UserId,
        device: &DeviceId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<LeasedTarget>, StorageError> {
        // Not given up with the actor's.
        let node = !self.boot();
        let values =
            [node.into(), until.as_micros().into(), user.0.into(), device.as_str().into(), now.as_micros().into()];
        let tx = self.begin_on((Pool::Wakes, &self.wakes), None).await?;
        let row = tx.query_one(self.statement(LEASE_ONE.as_str(), values)).await?;
        tx.commit().await?;
        let Some(row) = row else { return Ok(None) };
        let (outbox, address) = read(row)?;
        lease(&outbox, address, node, until).map(Some)
    }

    /// Writes down what has become of leases, and returns the places of those for which that must be done later.
    pub async fn settle(&self, ended: &[(LeasedTarget, LeaseEnd)], now: Timestamp) -> Result<Vec<usize>, StorageError> {
        let tx = self.begin_on((Pool::Wakes, &self.wakes), None).await?;
        let mut later = Vec::new();
        for (place, (target, end)) in ended.iter().enumerate() {
            if let Settled::Later = Box::pin(self.settle_one(&tx, target, end, now)).await? {
                later.push(place);
            }
        }
        tx.commit().await?;
        Ok(later)
    }

    async fn settle_one(
        &self,
        tx: &PoolTransaction,
        target: &LeasedTarget,
        end: &LeaseEnd,
        now: Timestamp,
    ) -> Result<Settled, StorageError> {
        let names = || [target.user.0.into(), target.device.as_str().into()];
        let held = || names().into_iter().chain([target.node.into(), target.until.as_micros().into()]);
        if let Some(sql) = LOCK_USER.of(self.backend())
            && tx.query_one(self.statement(sql, [target.user.0.into()])).await?.is_none()
        {
            let is_held = tx.query_one(self.statement(IS_HELD, held())).await?.is_some();
            return Ok(if is_held { Settled::Later } else { Settled::Done });
        }
        let sql = HELD.replace("{skip}", SKIP_LOCKED.of(self.backend()));
        let Some(mut row) = tx.query_one(self.statement(sql, held())).await? else {
            if tx.query_one(self.statement(IS_HELD, held())).await?.is_some() {
                return Ok(Settled::Later);
            }
            // The device is gone, or the lease has run out. What the provider has said is kept all the same.
            if let LeaseEnd::Sent { sent, at, .. } = end {
                self.record(tx, target, sent, *at).await?;
            }
            return Ok(Settled::Done);
        };
        let mut place = 0;
        let columns = OutboxColumns::from_row(&mut row, &mut place)?;
        let is_same_address = row.get::<Vec<u8>>(place)? == target.address.secret_hash();
        let mut outbox = columns.outbox();
        match end {
            LeaseEnd::PutOff(until) => {
                outbox.put_off(*until);
                self.write(tx, &columns, &outbox, None).await?;
            }
            LeaseEnd::Sent { sent, at, .. } if !is_same_address => {
                // It was said of the address that the device had before.
                outbox.void_lease(now);
                self.write(tx, &columns, &outbox, None).await?;
                self.record(tx, target, sent, *at).await?;
            }
            LeaseEnd::Sent { sent, at, wake_id } => {
                let to = target.debt.map_or(Seq(0), |debt| debt.seq);
                let random = u64::from_be_bytes(crate::clock::random_bytes()?);
                let is_kept = outbox.settle(&Attempted { to, sent: sent.clone(), random }, now);
                if is_kept {
                    self.write(tx, &columns, &outbox, Some((sent, wake_id))).await?;
                } else {
                    tx.execute(self.statement(DELETE, names())).await?;
                }
                self.record(tx, target, sent, *at).await?;
            }
        }
        Ok(Settled::Done)
    }

    /// Writes an outbox, and ends its lease.
    async fn write(
        &self,
        tx: &PoolTransaction,
        columns: &OutboxColumns,
        outbox: &Outbox,
        sent: Option<(&Sent, &WakeId)>,
    ) -> Result<(), StorageError> {
        let counted = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        let micros = |time: Option<Timestamp>| time.map(Timestamp::as_micros);
        // Of a refusal the reason stays until something was accepted.
        let (reason, wake_id) = match sent {
            None => (columns.reason.clone(), None),
            Some((sent, wake_id)) if sent.outcome == PushOutcome::Accepted => (None, Some(wake_id.as_str().to_owned())),
            Some((sent, _)) => (sent.reason.clone(), None),
        };
        let values = [
            columns.user.0.into(),
            columns.device.clone().into(),
            outbox.is_suspended.into(),
            outbox.debt.map(|debt| debt.seq.0).into(),
            outbox.debt.is_some_and(|debt| debt.is_urgent).into(),
            micros(outbox.debt.map(|debt| debt.since)).into(),
            micros(outbox.due_at).into(),
            counted(outbox.attempts).into(),
            outbox.woken.0.into(),
            micros(outbox.woken_at).into(),
            counted(outbox.unanswered).into(),
            reason.into(),
            wake_id.into(),
        ];
        tx.execute(self.statement(WRITE_OUTBOX, values)).await?;
        Ok(())
    }

    /// Records a request, and forgets the oldest of the device beyond [`KEPT`].
    async fn record(
        &self,
        tx: &PoolTransaction,
        target: &LeasedTarget,
        sent: &Sent,
        at: Timestamp,
    ) -> Result<(), StorageError> {
        let values = [
            target.user.0.into(),
            target.device.as_str().into(),
            at.as_micros().into(),
            target.from.0.into(),
            target.debt.map_or(0, |debt| debt.seq.0).into(),
            target.address.provider().stored().into(),
            sent.outcome.stored().into(),
            sent.status.map(i32::from).into(),
            sent.reason.as_deref().map(|text| cut(text).to_owned()).into(),
            sent.provider_id.as_deref().map(|text| cut(text).to_owned()).into(),
            i32::try_from(sent.took.as_millis()).unwrap_or(i32::MAX).into(),
        ];
        tx.execute(self.statement(RECORD, values)).await?;
        let values = [target.user.0.into(), target.device.as_str().into(), KEPT.into()];
        tx.execute(self.statement(FORGET_OLDEST, values)).await?;
        Ok(())
    }

    /// Gives up the requests of this run of the server whose outcomes will not be known; of all runs with `of_all`.
    pub async fn void_leases(&self, of_all: bool, now: Timestamp) -> Result<(), StorageError> {
        let tx = self.begin_on((Pool::Wakes, &self.wakes), None).await?;
        let values = [now.as_micros().into(), of_all.into(), self.boot().into()];
        tx.execute(self.statement(VOID, values)).await?;
        tx.commit().await
    }

    /// Gives up the requests of servers that were not seen for longer than any request takes, and returns how many
    /// those were. All leases end by `until`.
    pub async fn void_leases_of_gone(&self, now: Timestamp, until: Timestamp) -> Result<u64, StorageError> {
        if !self.has_journal() {
            return Ok(0);
        }
        let tx = self.begin_on((Pool::Wakes, &self.wakes), None).await?;
        let values = [now.as_micros().into(), until.as_micros().into(), LIVE_US.into()];
        let voided = tx.execute(self.statement(VOID_GONE, values)).await?;
        tx.commit().await?;
        Ok(voided)
    }

    /// Drops some devices whose logins have ended without the writer.
    pub async fn drop_ended_targets(&self, now: Timestamp) -> Result<u64, StorageError> {
        let sql = DROP_ENDED.replace("{skip}", SKIP_LOCKED.of(self.backend()));
        let tx = self.begin_on((Pool::Wakes, &self.wakes), None).await?;
        let dropped = tx.execute(self.statement(sql, [now.as_micros().into()])).await?;
        if dropped == 0 {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
        }
        Ok(dropped)
    }
}

fn read(mut row: Row) -> Result<(OutboxColumns, AddressColumns), StorageError> {
    let mut place = 0;
    Ok((OutboxColumns::from_row(&mut row, &mut place)?, AddressColumns::from_row(&mut row, &mut place)?))
}

fn lease(
    outbox: &OutboxColumns,
    address: AddressColumns,
    node: i64,
    until: Timestamp,
) -> Result<LeasedTarget, StorageError> {
    Ok(LeasedTarget {
        user: outbox.user,
        device: outbox.device()?,
        address: address.address(outbox.provider)?,
        created_at: outbox.created_at,
        debt: outbox.outbox().debt,
        from: outbox.acked.max(outbox.woken),
        node,
        until,
    })
}

/// Returns the first 200 bytes of a text, or less.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(200)).unwrap_or_default()
}
