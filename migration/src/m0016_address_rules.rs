//! Rules about the addresses of clients: networks that may come in or not, and bans.

use crate::prelude::*;

use crate::identity;

pub(crate) struct Migration;

/// One rule at most for a network and a scope. Times are microseconds since 1970 (UTC).
const ADDRESS_RULES: &str = "CREATE TABLE address_rules (id {id}, cidr TEXT NOT NULL, scope TEXT NOT NULL, \
     action TEXT NOT NULL, source TEXT NOT NULL, reason TEXT NOT NULL, strikes INTEGER NOT NULL, \
     created_at BIGINT NOT NULL, expires_at BIGINT)";

const INDEXES: [&str; 2] = [
    "CREATE UNIQUE INDEX address_rules_network ON address_rules (cidr, scope)",
    "CREATE INDEX address_rules_expires ON address_rules (expires_at) WHERE expires_at IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (db, id) = (manager.get_connection(), identity(manager.get_database_backend()));
        db.execute_unprepared(&ADDRESS_RULES.replace("{id}", id)).await?;
        for sql in INDEXES {
            db.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
