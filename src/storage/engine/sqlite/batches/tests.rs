use std::sync::Arc;

use sea_orm::{DatabaseBackend, Statement, Value};
use tokio::sync::Mutex;

use super::*;
use crate::storage::engine::bulk::Cell;
use crate::storage::engine::slow::SlowStatements;

struct Place {
    batches: Arc<Mutex<SqliteBatches>>,
    _dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let batches =
            SqliteBatches::new(dir.path().join("batches.db"), vec![("journal_mode", "WAL")], SlowStatements::new(0));
        Self { batches: Arc::new(Mutex::new(batches)), _dir: dir }
    }

    async fn begin(&self) -> SqliteTransaction {
        SqliteTransaction::begin(self.batches.clone().lock_owned().await).unwrap()
    }

    /// A table with one row.
    async fn with_table() -> Self {
        let place = Self::new();
        let tx = place.begin().await;
        tx.execute(&statement("CREATE TABLE t (a INTEGER, b TEXT, c BLOB, d BOOLEAN)", [])).unwrap();
        let values = [7_i64.into(), "seven".into(), vec![0_u8, 255].into(), Value::Bool(None)];
        assert_eq!(tx.execute(&statement("INSERT INTO t VALUES ($1, $2, $3, $4)", values)).unwrap(), 1);
        tx.commit().unwrap();
        place
    }

    async fn count(&self) -> i64 {
        self.begin().await.query(&statement("SELECT COUNT(*) FROM t", [])).unwrap()[0].get(0).unwrap()
    }
}

fn statement(sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DatabaseBackend::Sqlite, sql, values)
}

#[tokio::test]
async fn parameters_are_bound_by_their_number_and_rows_read_by_type() {
    let place = Place::with_table().await;
    let tx = place.begin().await;
    // The second comes first, and the first twice.
    let sql = "SELECT $2, a, b, c, d, $1 FROM t WHERE a = $1";
    let rows = tx.query(&statement(sql, [7_i64.into(), "two".into()])).unwrap();
    let row = &rows[0];
    assert_eq!(row.get::<String>(0).unwrap(), "two");
    assert_eq!((row.get::<i32>(1).unwrap(), row.get::<String>(2).unwrap()), (7, "seven".to_owned()));
    assert_eq!((row.get::<Vec<u8>>(3).unwrap(), row.get::<Option<bool>>(4).unwrap()), (vec![0, 255], None));
    assert_eq!(row.get::<i64>(5).unwrap(), 7);
    assert!(row.get::<i64>(2).is_err());
}

#[tokio::test]
async fn a_missing_parameter_is_an_error() {
    let place = Place::with_table().await;
    assert!(place.begin().await.query(&statement("SELECT $1, $2", [1_i64.into()])).is_err());
    assert_eq!(place.count().await, 1);
}

#[tokio::test]
async fn a_row_at_a_time_tells_how_many_were_changed() {
    let place = Place::with_table().await;
    let tx = place.begin().await;
    tx.execute(&statement("CREATE UNIQUE INDEX u ON t (a)", [])).unwrap();
    let rows = (5..10).map(|number| [Cell::BigInt(number), Cell::Text("x")]);
    let sql = "INSERT INTO t (a, b) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    assert_eq!(tx.execute_each(sql, rows).unwrap(), 4, "all but the one that is there");
    tx.commit().unwrap();
    assert_eq!(place.count().await, 5);
}

#[tokio::test]
async fn what_is_dropped_or_fails_leaves_nothing() {
    let place = Place::with_table().await;
    let tx = place.begin().await;
    tx.execute(&statement("INSERT INTO t (a) VALUES (8)", [])).unwrap();
    drop(tx);
    assert_eq!(place.count().await, 1);

    let tx = place.begin().await;
    tx.execute(&statement("INSERT INTO t (a) VALUES (8)", [])).unwrap();
    assert!(tx.execute(&statement("INSERT INTO nowhere VALUES (1)", [])).is_err());
    // Nothing more is possible in it, and the next one begins anew.
    assert!(tx.execute(&statement("INSERT INTO t (a) VALUES (9)", [])).is_err());
    assert!(tx.commit().is_err());
    assert_eq!(place.count().await, 1);

    let tx = place.begin().await;
    tx.execute(&statement("INSERT INTO t (a) VALUES (8)", [])).unwrap();
    tx.rollback().unwrap();
    assert_eq!(place.count().await, 1);
}
