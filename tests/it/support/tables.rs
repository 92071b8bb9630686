//! The tables of a store, as another program sees them.

use fluent_backend::testing::TestData;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, Statement};

/// A connection beside the server's.
pub(crate) async fn open(data: &TestData) -> DatabaseConnection {
    let file = data.path().join("data/fluent.db");
    let url = if data.is_sqlite() { format!("sqlite://{}", file.display()) } else { data.url().to_owned() };
    Database::connect(url).await.unwrap()
}

/// Changes rows. No server may run on the store.
pub(crate) async fn execute(data: &TestData, sql: &str) {
    let db = open(data).await;
    db.execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}

/// The number of rows of a table.
pub(crate) async fn count(data: &TestData, table: &str) -> i64 {
    let db = open(data).await;
    let sql = Statement::from_string(db.get_database_backend(), format!("SELECT COUNT(*) AS rows FROM {table}"));
    let rows = db.query_one_raw(sql).await.unwrap().unwrap().try_get("", "rows").unwrap();
    db.close().await.unwrap();
    rows
}
