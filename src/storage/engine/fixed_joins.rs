//! Joins with a fixed order on both engines: each table is reached by a key from those before it.
//!
//! A planner without statistics (a store that was just filled, or a plan kept from when it was empty) may begin with a
//! big table, and a query for one user would then scan the rows of all users. SQLite keeps to the
//! order of a `CROSS JOIN` (<https://sqlite.org/optoverview.html#manual_control_of_query_plans_using_cross_join>) and
//! of a `LEFT JOIN`; PostgreSQL does not pull up a subquery with an `OFFSET`.

use sea_orm::DatabaseBackend;

/// Begins a join with the rows of `table`, as `alias`, for which `on` holds. Further conditions do not change how these
/// rows are found.
pub(in crate::storage) fn from_rows(backend: DatabaseBackend, table: &str, alias: &str, on: &str) -> String {
    let fence = if backend == DatabaseBackend::Sqlite { "" } else { " OFFSET 0" };
    format!("FROM (SELECT * FROM {table} AS {alias} WHERE {on}{fence}) AS {alias}")
}

/// Joins the rows of `table`, as `alias`, for which `on` holds.
pub(in crate::storage) fn join(backend: DatabaseBackend, table: &str, alias: &str, on: &str) -> String {
    match backend {
        DatabaseBackend::Sqlite => format!("CROSS JOIN {table} AS {alias} ON {on}"),
        _ => format!("CROSS JOIN LATERAL (SELECT * FROM {table} AS {alias} WHERE {on} OFFSET 0) AS {alias}"),
    }
}

/// As [`join`], with NULLs when there is no such row.
pub(in crate::storage) fn left_join(backend: DatabaseBackend, table: &str, alias: &str, on: &str) -> String {
    match backend {
        DatabaseBackend::Sqlite => format!("LEFT JOIN {table} AS {alias} ON {on}"),
        _ => format!("LEFT JOIN LATERAL (SELECT * FROM {table} AS {alias} WHERE {on} OFFSET 0) AS {alias} ON TRUE"),
    }
}
