//! Accounts, logins and their refresh tokens. Times are microseconds since 1970 (UTC).

use crate::prelude::*;

pub(crate) struct Migration;

#[derive(DeriveIden)]
enum Users {
    Table,
    Id,
    /// The name as registered.
    Name,
    /// The folded name: unique, and the one that is searched.
    NameKey,
    Email,
    EmailKey,
    PasswordHash,
    PublicKey,
    CreatedAt,
}

#[derive(DeriveIden)]
enum Logins {
    Table,
    Id,
    UserId,
    CreatedAt,
    LastUsedAt,
    /// When the newest refresh token of the chain expires, and the login with it.
    ExpiresAt,
    /// Set when the chain was revoked.
    EndedAt,
}

#[derive(DeriveIden)]
enum RefreshTokens {
    Table,
    /// SHA-256 of the token; the token itself is never stored.
    Hash,
    LoginId,
    ExpiresAt,
    SpentAt,
    /// The salt from which, with the spent token itself, its successor is derived again.
    SuccessorSalt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Users::Table)
                    // AUTOINCREMENT on SQLite: the id of a deleted account is never given to another.
                    .col(ColumnDef::new(Users::Id).integer().not_null().primary_key().auto_increment())
                    .col(ColumnDef::new(Users::Name).text().not_null())
                    .col(ColumnDef::new(Users::NameKey).text().not_null())
                    .col(ColumnDef::new(Users::Email).text().not_null())
                    .col(ColumnDef::new(Users::EmailKey).text().not_null())
                    .col(ColumnDef::new(Users::PasswordHash).text().not_null())
                    .col(ColumnDef::new(Users::PublicKey).text().not_null())
                    .col(ColumnDef::new(Users::CreatedAt).big_integer().not_null())
                    .to_owned(),
            )
            .await?;
        for (name, column) in [("users_name_key", Users::NameKey), ("users_email_key", Users::EmailKey)] {
            manager
                .create_index(Index::create().name(name).table(Users::Table).col(column).unique().to_owned())
                .await?;
        }
        manager
            .create_table(
                Table::create()
                    .table(Logins::Table)
                    .col(ColumnDef::new(Logins::Id).big_integer().not_null().primary_key().auto_increment())
                    .col(ColumnDef::new(Logins::UserId).integer().not_null())
                    .col(ColumnDef::new(Logins::CreatedAt).big_integer().not_null())
                    .col(ColumnDef::new(Logins::LastUsedAt).big_integer().not_null())
                    .col(ColumnDef::new(Logins::ExpiresAt).big_integer().not_null())
                    .col(ColumnDef::new(Logins::EndedAt).big_integer())
                    .foreign_key(
                        ForeignKey::create()
                            .from(Logins::Table, Logins::UserId)
                            .to(Users::Table, Users::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(Index::create().name("logins_user").table(Logins::Table).col(Logins::UserId).to_owned())
            .await?;
        manager
            .create_index(Index::create().name("logins_ended").table(Logins::Table).col(Logins::EndedAt).to_owned())
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(RefreshTokens::Table)
                    .col(ColumnDef::new(RefreshTokens::Hash).binary_len(32).not_null().primary_key())
                    .col(ColumnDef::new(RefreshTokens::LoginId).big_integer().not_null())
                    .col(ColumnDef::new(RefreshTokens::ExpiresAt).big_integer().not_null())
                    .col(ColumnDef::new(RefreshTokens::SpentAt).big_integer())
                    .col(ColumnDef::new(RefreshTokens::SuccessorSalt).binary_len(32))
                    .foreign_key(
                        ForeignKey::create()
                            .from(RefreshTokens::Table, RefreshTokens::LoginId)
                            .to(Logins::Table, Logins::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("refresh_tokens_login")
                    .table(RefreshTokens::Table)
                    .col(RefreshTokens::LoginId)
                    .col(RefreshTokens::ExpiresAt)
                    .to_owned(),
            )
            .await
    }
}
