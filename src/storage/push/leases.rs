//! Requests to providers: what is due is leased, so that only one server makes a request for a device, and what came of
//! the request is written down.

use std::sync::LazyLock;

use crate::domain::{
    Attempted, DeviceId, LeaseEnd, LeasedTarget, Outbox, PushOutcome, PushProvider, Sent, Seq, Timestamp, UserId,
    WakeId,
};
use crate::storage::cluster::{LIVE_US, now};
use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::row::{Columns as _, FromRow as _, Row};
use crate::storage::engine::tx::{PoolTransaction, Tx as _};
use crate::storage::push::SKIP_LOCKED;
use crate::storage::push::rows::{AddressColumns, OutboxColumns, WRITE_OUTBOX};
use crate::storage::{Storage, StorageError};
use crate::telemetry::Pool;

/// Most requests of one device that are kept.
const KEPT: i64 = 100;

fn both() -> String {
    format!("{}, {}", OutboxColumns::select(), AddressColumns::select())
}

/// Leases some devices that are due, but for those of three providers.
pub(in crate::storage) static LEASE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE push_targets SET lease_node = $1, lease_until = $2, due_at = $2 \
         FROM (SELECT p.user_id AS u, p.device_id AS d FROM push_targets AS p JOIN logins AS l ON l.id = p.login_id \
         WHERE p.due_at <= $3 AND p.provider <> $5 AND p.provider <> $6 AND p.provider <> $7 \
         AND l.ended_at IS NULL AND l.expires_at > $3 ORDER BY p.due_at LIMIT $4 + 0 {{skip}}) AS due \
         WHERE user_id = due.u AND device_id = due.d RETURNING {}",
        both()
    )
});
/// Leases one device, unless a request is on its way.
pub(in crate::storage) static LEASE_ONE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE push_targets SET lease_node = $1, lease_until = $2, due_at = $2 \
         WHERE user_id = $3 AND device_id = $4 AND (lease_until IS NULL OR lease_until <= $5) RETURNING {}",
        both()
    )
});
/// Devices whose logins have ended otherwise than by the writer.
pub(in crate::storage) const DROP_ENDED: &str = "DELETE FROM push_targets \
     WHERE (user_id, device_id) IN (SELECT p.user_id, p.device_id \
     FROM push_targets AS p JOIN logins AS l ON l.id = p.login_id WHERE p.due_at <= $1 \
     AND (l.ended_at IS NOT NULL OR l.expires_at <= $1) LIMIT 64 {skip})";
/// A device of which the lease `$3` until `$4` is held, as long as nobody else has its row.
pub(in crate::storage) static HELD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, token_hash FROM push_targets AS p WHERE user_id = $1 AND device_id = $2 AND lease_node = $3 \
         AND lease_until = $4 {{skip}}",
        OutboxColumns::select()
    )
});
/// The same, whoever has its row.
pub(in crate::storage) const IS_HELD: &str =
    "SELECT 1 FROM push_targets WHERE user_id = $1 AND device_id = $2 AND lease_node = $3 AND lease_until = $4";
const DELETE: &str = "DELETE FROM push_targets WHERE user_id = $1 AND device_id = $2";
/// Locks an account, which its deletion locks before its devices. Only on PostgreSQL.
const LOCK_USER: PerEngine<Option<&str>> =
    PerEngine { sqlite: None, postgres: Some("SELECT 1 FROM users WHERE id = $1 FOR KEY SHARE SKIP LOCKED") };
const RECORD: &str = "INSERT INTO push_attempts (user_id, device_id, at, from_seq, to_seq, provider, outcome, status, \
     reason, provider_id, took_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const FORGET_OLDEST: &str = "DELETE FROM push_attempts WHERE user_id = $1 AND device_id = $2 AND id <= \
     (SELECT id FROM push_attempts WHERE user_id = $1 AND device_id = $2 ORDER BY id DESC LIMIT 1 OFFSET $3 + 0)";
/// Gives leases up, of this server or of all. What is leased is due at the end of its lease, and found by that.
const VOID: &str = "UPDATE push_targets SET lease_node = NULL, lease_until = NULL, \
     due_at = CASE WHEN owed_seq IS NOT NULL THEN CAST($1 AS BIGINT) END WHERE due_at IS NOT NULL \
     AND lease_until IS NOT NULL AND ($2 OR lease_node = $3)";

/// The same for those of servers that are gone, which say nothing of how their requests have ended. Only on PostgreSQL,
/// and for leases that have not run out.
const VOID_GONE: &str = concat!(
    "UPDATE push_targets SET lease_node = NULL, lease_until = NULL, \
     due_at = CASE WHEN owed_seq IS NOT NULL THEN CAST($1 AS BIGINT) END \
     FROM (SELECT p.user_id AS u, p.device_id AS d FROM push_targets AS p WHERE p.due_at > $1 AND p.due_at <= $2 \
     AND p.lease_until IS NOT NULL AND NOT EXISTS (SELECT 1 FROM nodes AS n \
     WHERE (n.boot = p.lease_node OR n.boot = -1 - p.lease_node) AND n.seen_at > ",
    now!(),
    " - $3) FOR UPDATE OF p SKIP LOCKED) AS gone WHERE user_id = gone.u AND device_id = gone.d"
);

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
