//! The statements by which devices are leased and requests are written down.

use std::sync::LazyLock;

use crate::storage::cluster::now;
use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::row::Columns as _;
use crate::storage::push::columns::{AddressColumns, OutboxColumns};

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
pub(super) const DELETE: &str = "DELETE FROM push_targets WHERE user_id = $1 AND device_id = $2";
/// Locks an account, which its deletion locks before its devices. Only on PostgreSQL.
pub(super) const LOCK_USER: PerEngine<Option<&str>> =
    PerEngine { sqlite: None, postgres: Some("SELECT 1 FROM users WHERE id = $1 FOR KEY SHARE SKIP LOCKED") };
pub(super) const RECORD: &str = "INSERT INTO push_attempts \
     (user_id, device_id, at, from_seq, to_seq, provider, outcome, status, reason, provider_id, took_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
pub(super) const FORGET_OLDEST: &str = "DELETE FROM push_attempts WHERE user_id = $1 AND device_id = $2 AND id <= \
     (SELECT id FROM push_attempts WHERE user_id = $1 AND device_id = $2 ORDER BY id DESC LIMIT 1 OFFSET $3 + 0)";
/// Gives leases up, of this server or of all. What is leased is due at the end of its lease, and found by that.
pub(super) const VOID: &str = "UPDATE push_targets SET lease_node = NULL, lease_until = NULL, \
     due_at = CASE WHEN owed_seq IS NOT NULL THEN CAST($1 AS BIGINT) END WHERE due_at IS NOT NULL \
     AND lease_until IS NOT NULL AND ($2 OR lease_node = $3)";

/// The same for those of servers that are gone, which say nothing of how their requests have ended. Only on PostgreSQL,
/// and for leases that have not run out.
pub(super) const VOID_GONE: &str = concat!(
    "UPDATE push_targets SET lease_node = NULL, lease_until = NULL, \
     due_at = CASE WHEN owed_seq IS NOT NULL THEN CAST($1 AS BIGINT) END \
     FROM (SELECT p.user_id AS u, p.device_id AS d FROM push_targets AS p WHERE p.due_at > $1 AND p.due_at <= $2 \
     AND p.lease_until IS NOT NULL AND NOT EXISTS (SELECT 1 FROM nodes AS n \
     WHERE (n.boot = p.lease_node OR n.boot = -1 - p.lease_node) AND n.seen_at > ",
    now!(),
    " - $3) FOR UPDATE OF p SKIP LOCKED) AS gone WHERE user_id = gone.u AND device_id = gone.d"
);
