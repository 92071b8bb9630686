//! Tests that waking devices goes through no table, where every user has a device. These are for SQLite; the plans of
//! PostgreSQL are asserted in `tests/it/engines/query_plans.rs`.

use sea_orm::ConnectionTrait as _;

use super::query_plans::{explain, seed_users};
use crate::config::Config;
use crate::storage::Storage;
use crate::storage::commands::sends::debts::OWE_ONE;
use crate::storage::commands::targets;
use crate::storage::engine::bulk::Bulk;
use crate::storage::push::{leases, notes, status, sweep};
use crate::storage::retention::push as retention;

/// Devices of all users: some are owed a wake-up, a few of these have a request on its way.
const SEED: [&str; 3] = [
    "INSERT INTO logins (id, user_id, created_at, last_used_at, expires_at, dialect) \
     SELECT id, id, 0, 0, 9000000000000000, 2 FROM users",
    "INSERT INTO push_targets (user_id, device_id, login_id, provider, token, token_hash, created_at, acked_seq, \
     acked_at, owed_seq, owed_since, due_at, lease_node, lease_until) \
     SELECT id, 'd', id, 1, 'token', CAST(id AS BLOB), 0, 0, 0, CASE WHEN id % 3 = 0 THEN 1 END, \
     CASE WHEN id % 3 = 0 THEN 1 END, CASE WHEN id % 3 = 0 THEN id END, CASE WHEN id % 99 = 0 THEN 1 END, \
     CASE WHEN id % 99 = 0 THEN id END FROM users",
    "INSERT INTO push_attempts (user_id, device_id, at, from_seq, to_seq, provider, outcome, took_ms) \
     SELECT u.id, 'd', u.id, 0, 1, 1, 1, 1 FROM users AS u JOIN users AS v ON v.id <= 10",
];

/// Returns what is done for devices: the statement, and how many parameters it has.
fn statements(storage: &Storage) -> Vec<(String, usize)> {
    let unskipped = |sql: &str| sql.replace("{skip}", "");
    let mut all = vec![
        (OWE_ONE.clone(), 7),
        (unskipped(&leases::LEASE), 7),
        (leases::LEASE_ONE.clone(), 5),
        (unskipped(&leases::HELD), 4),
        (leases::IS_HELD.to_owned(), 4),
        (unskipped(leases::DROP_ENDED), 1),
        (sweep::AFTER.to_owned(), 3),
        (status::TARGETS.clone(), 1),
        (status::ATTEMPTS.clone(), 2),
        (status::LAST.to_owned(), 1),
        (targets::MOVE_AWAY.to_owned(), 4),
        (targets::REPLACE.to_owned(), 12),
        (targets::DROP_OLDEST.to_owned(), 2),
        (targets::REMOVE.to_owned(), 2),
        (targets::END.to_owned(), 1),
        (unskipped(retention::ATTEMPTS), 2),
        (unskipped(retention::TARGETS), 2),
    ];
    all.extend(notes::note_statements(storage.backend()).iter().map(|sql| (Bulk::<7>::with_one_row(sql), 7)));
    all
}

#[tokio::test]
async fn no_statement_about_devices_scans_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::defaults().unwrap();
    dir.path().clone_into(&mut config.server.data_dir);
    let storage = Storage::open(&config).await.unwrap();
    check(&storage).await;
    seed_users(&storage, 3_000).await;
    for sql in SEED {
        storage.request_writes.execute_unprepared(sql).await.unwrap();
    }
    // Also with statistics of these.
    storage.request_writes.execute_unprepared("ANALYZE").await.unwrap();
    storage.close().await.unwrap();
    let storage = Storage::open(&config).await.unwrap();
    check(&storage).await;
    storage.close().await.unwrap();
}

async fn check(storage: &Storage) {
    for (sql, parameters) in statements(storage) {
        let plan = explain(storage, &sql, (0..parameters).map(|_| 1_i64.into()).collect()).await;
        let is_made =
            |line: &str| ["v", "n", "due", "CONSTANT ROW", "(subquery-"].iter().any(|own| line.starts_with(own));
        let scans = plan.lines().filter_map(|line| line.strip_prefix("SCAN "));
        let through: Vec<&str> = scans.filter(|what| !is_made(what)).collect();
        assert!(through.is_empty(), "{sql}\n{plan}");
        assert!(
            !plan.contains("TEMP B-TREE") || plan.contains("user_id=?"),
            "only one user's are sorted: {sql}\n{plan}"
        );
    }
}
