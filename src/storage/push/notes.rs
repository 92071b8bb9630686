//! What devices have said, or failed to say, written down for all of them at once.

use std::collections::{HashMap, HashSet};

use sea_orm::DatabaseBackend;

use crate::domain::{LoginId, Seq, Timestamp, UserId};
use crate::push::{Notes, Who};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::tx::{PoolTransaction, Tx as _};
use crate::storage::push::SKIP_LOCKED;
use crate::storage::push::statements::{OweBy, acknowledge, owe};
use crate::storage::{Storage, StorageError};
use crate::telemetry::Pool;

/// The devices `p` that the rows of `v` are about: those of a name, those of a login, or the only one of a login.
const BY_NAME: &str = "p.user_id = v.column2 AND p.device_id = v.column3";
const BY_LOGIN: &str = "p.user_id = v.column2 AND p.login_id = v.column4";
const ONLY_OF_LOGIN: &str = "p.user_id = v.column2 AND p.login_id = v.column4 AND NOT EXISTS \
     (SELECT 1 FROM push_targets AS q WHERE q.login_id = p.login_id AND q.device_id <> p.device_id)";
/// The newest message that wakes the user's devices.
const NEWEST: &str = "(SELECT MAX(CASE WHEN quiet_to >= newest_inbound THEN quiet_from ELSE newest_inbound END) \
     FROM members WHERE user_id = p.user_id)";

/// How often a device is noted as seen while nothing else changes, in microseconds.
const SEEN_EVERY_US: i64 = 60_000_000;

/// What happens to the devices that notes are about.
#[derive(Clone, Copy)]
enum Change {
    Acknowledge,
    /// They are owed a wake-up at once for a message.
    Owe,
    /// They are owed one for the newest message, if that is owed to them.
    OweNewest,
}

type Noted = ((UserId, Who), Seq);

impl Storage {
    /// Writes notes down, and returns those that must be written later. What is owed is not due before `not_before`.
    pub async fn write_notes(
        &self,
        notes: Notes,
        now: Timestamp,
        not_before: Timestamp,
    ) -> Result<Notes, StorageError> {
        let Notes { acknowledged, unconfirmed, closed } = notes;
        let closed_at = closed.clone();
        let closed = closed.into_keys().map(|who| (who, Seq(0))).collect();
        let tx = self.begin_on((Pool::Wakes, &self.wakes), None).await?;
        let mut later = Notes::default();
        let times = (now, not_before);
        later.acknowledged = self.write_all(&tx, Change::Acknowledge, acknowledged, times).await?;
        later.unconfirmed = self.write_all(&tx, Change::Owe, unconfirmed, times).await?;
        let left = self.write_all(&tx, Change::OweNewest, closed, times).await?;
        later.closed = closed_at.into_iter().filter(|(who, _)| left.contains_key(who)).collect();
        tx.commit().await?;
        Ok(later)
    }

    async fn write_all(
        &self,
        tx: &PoolTransaction,
        change: Change,
        notes: HashMap<(UserId, Who), Seq>,
        times: (Timestamp, Timestamp),
    ) -> Result<HashMap<(UserId, Who), Seq>, StorageError> {
        let mut later = HashMap::new();
        let (mut named, mut legacy, mut only): (Vec<Noted>, Vec<Noted>, Vec<Noted>) = Default::default();
        for (who, seq) in notes {
            match who.1 {
                Who::Device(_) => named.push((who, seq)),
                Who::Legacy(_) => legacy.push((who, seq)),
                Who::OnlyOf(_) => only.push((who, seq)),
            }
        }
        for (of, notes) in [(BY_NAME, named), (BY_LOGIN, legacy), (ONLY_OF_LOGIN, only)] {
            if !notes.is_empty() {
                later.extend(self.write_some(tx, change, of, notes, times).await?);
            }
        }
        Ok(later)
    }

    /// Writes notes of one kind, and returns those whose rows another transaction has.
    async fn write_some(
        &self,
        tx: &PoolTransaction,
        change: Change,
        of: &str,
        notes: Vec<Noted>,
        (now, not_before): (Timestamp, Timestamp),
    ) -> Result<Vec<Noted>, StorageError> {
        let backend = self.backend();
        let list = Bulk::new(notes.iter().enumerate().map(|(number, ((user, who), seq))| {
            let (device, login) = match who {
                Who::Device(device) => (device.as_str(), LoginId(0)),
                Who::Legacy(login) | Who::OnlyOf(login) => ("", *login),
            };
            let [number, login, seq] = [i64::try_from(number).unwrap_or(0), login.0, seq.0].map(Cell::BigInt);
            let [now, not_before] = [now, not_before].map(|time| Cell::BigInt(time.as_micros()));
            [number, Cell::Int(user.0), Cell::Text(device), login, seq, now, not_before]
        }));
        let NoteSql { found, written } = NoteSql::of(backend, change, of);
        let mut locked: HashSet<i64> = HashSet::new();
        if backend == DatabaseBackend::Postgres {
            for statement in list.statements(backend, &format!("WITH {{rows}} SELECT v.column1 {found}")) {
                for row in tx.query(statement).await? {
                    locked.insert(row.get(0)?);
                }
            }
            if locked.is_empty() {
                return Ok(Vec::new());
            }
        }
        for statement in list.statements(backend, &written) {
            for row in tx.query(statement).await? {
                locked.remove(&row.get::<i64>(0)?);
            }
        }
        let is_locked = |number: usize| i64::try_from(number).is_ok_and(|number| locked.contains(&number));
        let notes = notes.into_iter().enumerate();
        Ok(notes.filter(|(number, _)| is_locked(*number)).map(|(_, note)| note).collect())
    }
}

/// The statements for notes of one kind.
struct NoteSql {
    /// What finds the devices that the rows of `v` are about.
    found: String,
    /// The statement that writes them down.
    written: String,
}

impl NoteSql {
    fn of(backend: DatabaseBackend, change: Change, of: &str) -> Self {
        // Nobody has what does not exist yet: a device that says so would never be woken again.
        let up_to = "CASE WHEN v.column5 > (SELECT last_seq FROM store WHERE id = 1) \
             THEN (SELECT last_seq FROM store WHERE id = 1) ELSE v.column5 END";
        let waking = format!("CASE WHEN v.column5 <= {NEWEST} THEN v.column5 ELSE {NEWEST} END");
        let (seq, changes, concerned) = match change {
            Change::Acknowledge => {
                // A device that is seen all the time is noted once a minute.
                let concerned = format!(
                    "(p.acked_seq < {up_to} OR p.owed_seq <= {up_to} OR p.owed_seq <= p.acked_seq OR p.unanswered > 0 \
                     OR p.attempts > 0 OR p.seen_at IS NULL OR p.seen_at < v.column6 - {SEEN_EVERY_US})"
                );
                (up_to, acknowledge(backend, "n.seq", "n.at"), concerned)
            }
            Change::Owe => {
                let by = OweBy { seq: "n.seq", is_urgent: "TRUE", now: "n.at", not_before: "n.not_before" };
                // Behind the newest one that wakes the device are only such as wake nobody.
                (&*waking, owe(backend, by), format!("p.acked_seq < {waking}"))
            }
            Change::OweNewest => {
                let by = OweBy { seq: "n.seq", is_urgent: "TRUE", now: "n.at", not_before: "n.not_before" };
                // What is owed for an older message is no reason: it is paid when that one is sent.
                let concerned = format!(
                    "(p.owed_seq IS NULL OR p.owed_seq < {NEWEST}) AND {NEWEST} > p.acked_seq \
                     AND {NEWEST} > p.woken_seq"
                );
                (NEWEST, owe(backend, by), concerned)
            }
        };
        let found = format!("FROM v JOIN push_targets AS p ON {of} WHERE {concerned}");
        let returned = if backend == DatabaseBackend::Postgres { " RETURNING n.number" } else { "" };
        let written = format!(
            "WITH {{rows}}, n AS (SELECT v.column1 AS number, p.user_id AS u, p.device_id AS d, {seq} AS seq, \
             v.column6 AS at, v.column7 AS not_before {found} {}) \
             UPDATE push_targets AS t SET {changes} FROM n WHERE t.user_id = n.u AND t.device_id = n.d{returned}",
            SKIP_LOCKED.of(backend)
        );
        Self { found, written }
    }
}

/// Returns all statements by which notes are written down.
#[cfg(test)]
pub(in crate::storage) fn note_statements(backend: DatabaseBackend) -> Vec<String> {
    let changes = [Change::Acknowledge, Change::Owe, Change::OweNewest].into_iter();
    let all = changes.flat_map(|change| [BY_NAME, BY_LOGIN, ONLY_OF_LOGIN].map(|of| (change, of)));
    all.map(|(change, of)| NoteSql::of(backend, change, of).written).collect()
}
