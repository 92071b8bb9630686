//! The application of migrations, in their order, each once. A table records which were applied; it is the one that
//! SeaORM's own tool keeps, with the same columns.

use sea_orm::sea_query::{ColumnDef, Expr, Order, Query, Table};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbErr, DeriveIden, TransactionTrait as _};

use crate::MIGRATIONS;
use crate::manager::SchemaManager;

/// The record of the migrations that were applied.
#[derive(DeriveIden)]
enum SeaqlMigrations {
    Table,
    Version,
    AppliedAt,
}

/// Returns the names of all migrations, oldest first.
pub fn names() -> impl ExactSizeIterator<Item = &'static str> {
    MIGRATIONS.iter().map(|(name, _)| *name)
}

/// Applies the migrations that `db` does not have, at most `limit` of them. Each is applied as a whole or not at all,
/// on SQLite too: a process may be killed in its first start. Fails at the first that fails.
pub async fn up(db: &DatabaseConnection, limit: Option<usize>) -> Result<(), DbErr> {
    let record = Table::create()
        .table(SeaqlMigrations::Table)
        .if_not_exists()
        .col(ColumnDef::new(SeaqlMigrations::Version).string().not_null().primary_key())
        .col(ColumnDef::new(SeaqlMigrations::AppliedAt).big_integer().not_null())
        .to_owned();
    db.execute(&record).await?;
    let applied = applied(db).await?;
    let missing = MIGRATIONS.iter().filter(|(name, _)| !applied.iter().any(|known| known == name));
    for (name, migration) in missing.take(limit.unwrap_or(usize::MAX)) {
        let transaction = db.begin().await?;
        migration.up(&SchemaManager(&transaction)).await?;
        // Two columns, two values.
        let noted = Query::insert()
            .into_table(SeaqlMigrations::Table)
            .columns([SeaqlMigrations::Version, SeaqlMigrations::AppliedAt])
            .values_panic([Expr::val(*name), Expr::val(unix_s())])
            .to_owned();
        transaction.execute(&noted).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Returns the names of the migrations that were applied.
async fn applied(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let select = Query::select()
        .column(SeaqlMigrations::Version)
        .from(SeaqlMigrations::Table)
        .order_by(SeaqlMigrations::Version, Order::Asc)
        .to_owned();
    db.query_all(&select).await?.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Returns the seconds since 1970 (UTC).
#[expect(clippy::disallowed_methods, reason = "a note for people, by which nothing is decided")]
fn unix_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
