//! Socket tickets: each opens one socket, for clients that can set no header. They are in the database, so that the
//! node that issues a ticket need not be the one that accepts it.

use crate::prelude::*;

pub(crate) struct Migration;

#[derive(DeriveIden)]
enum Tickets {
    Table,
    /// SHA-256 of the ticket.
    Hash,
    UserId,
    LoginId,
    ExpiresAt,
}

#[derive(DeriveIden)]
enum Logins {
    Table,
    Id,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Tickets::Table)
                    .col(ColumnDef::new(Tickets::Hash).binary_len(32).not_null().primary_key())
                    .col(ColumnDef::new(Tickets::UserId).integer().not_null())
                    .col(ColumnDef::new(Tickets::LoginId).big_integer().not_null())
                    .col(ColumnDef::new(Tickets::ExpiresAt).big_integer().not_null())
                    .foreign_key(
                        ForeignKey::create()
                            .from(Tickets::Table, Tickets::LoginId)
                            .to(Logins::Table, Logins::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        for (name, column) in [("tickets_expires_at", Tickets::ExpiresAt), ("tickets_login", Tickets::LoginId)] {
            manager.create_index(Index::create().name(name).table(Tickets::Table).col(column).to_owned()).await?;
        }
        Ok(())
    }
}
