//! The networks from which users have logged in, and limits of single users.

use crate::prelude::*;
use sea_orm::DatabaseBackend;

pub(crate) struct Migration;

/// `tag` recognises the user's network, `network_tag` the network whoever's it is; neither reveals the address to who
/// has the database alone.
const KNOWN_NETWORKS: &str = "CREATE TABLE known_networks (\
     user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE, tag BLOB NOT NULL, network_tag BLOB NOT NULL, \
     last_ok_at BIGINT NOT NULL, PRIMARY KEY (user_id, tag))";

const REST: [&str; 3] = [
    "CREATE INDEX known_networks_network ON known_networks (network_tag)",
    "CREATE INDEX known_networks_old ON known_networks (last_ok_at)",
    // What an operator has set for a user in place of a row of the table of limiters.
    "CREATE TABLE user_limits (user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE, \
     limiter TEXT NOT NULL, burst BIGINT NOT NULL, every_us BIGINT NOT NULL, PRIMARY KEY (user_id, limiter))",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let known_networks = match manager.get_database_backend() {
            DatabaseBackend::Sqlite => format!("{KNOWN_NETWORKS} WITHOUT ROWID"),
            _ => KNOWN_NETWORKS.replace("BLOB", "BYTEA"),
        };
        db.execute_unprepared(&known_networks).await?;
        for sql in REST {
            db.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
