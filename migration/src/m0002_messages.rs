//! The message log in commit order, and the conversations over it.
//!
//! One log, one index by conversation, one row a conversation: every index whose inserts land on random pages costs
//! more than the row itself.

use crate::prelude::*;
use sea_orm::DatabaseBackend;

pub(crate) struct Migration;

/// One row: the counters every batch takes its numbers from.
#[derive(DeriveIden)]
enum Store {
    Table,
    Id,
    /// The name of the store's history, which changes with a restore.
    Epoch,
    /// The highest number given to a message.
    Head,
    /// The newest time stamp given to a message.
    Clock,
}

#[derive(DeriveIden)]
enum Conversations {
    Table,
    Id,
    /// The lower user id × 2³² + the higher one.
    DirectKey,
    NewestMessageId,
}

/// The users of a conversation.
#[derive(DeriveIden)]
enum Members {
    Table,
    UserId,
    ConversationId,
}

#[derive(DeriveIden)]
enum Messages {
    Table,
    /// The number in commit order, given by the writer.
    Id,
    ConversationId,
    SenderId,
    ReceiverId,
    MessageType,
    /// Strictly increasing with the id.
    Timestamp,
    SenderCopy,
    ReceiverCopy,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut message_id = ColumnDef::new(Messages::Id);
        match manager.get_database_backend() {
            // Exactly INTEGER makes it the rowid, of 64 bits; BIGINT would be a second index.
            DatabaseBackend::Sqlite => message_id.integer(),
            _ => message_id.big_integer(),
        };
        manager
            .create_table(
                Table::create()
                    .table(Store::Table)
                    .col(ColumnDef::new(Store::Id).integer().not_null().primary_key())
                    .col(ColumnDef::new(Store::Epoch).text().not_null())
                    .col(ColumnDef::new(Store::Head).big_integer().not_null())
                    .col(ColumnDef::new(Store::Clock).big_integer().not_null())
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Conversations::Table)
                    .col(ColumnDef::new(Conversations::Id).big_integer().not_null().primary_key().auto_increment())
                    .col(ColumnDef::new(Conversations::DirectKey).big_integer().not_null())
                    .col(ColumnDef::new(Conversations::NewestMessageId).big_integer())
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("conversations_direct_key")
                    .table(Conversations::Table)
                    .col(Conversations::DirectKey)
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Members::Table)
                    .col(ColumnDef::new(Members::UserId).integer().not_null())
                    .col(ColumnDef::new(Members::ConversationId).big_integer().not_null())
                    .primary_key(Index::create().col(Members::UserId).col(Members::ConversationId))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Messages::Table)
                    // No AUTOINCREMENT and no sequence: a sequence is not commit order.
                    .col(message_id.not_null().primary_key())
                    .col(ColumnDef::new(Messages::ConversationId).big_integer().not_null())
                    // No foreign keys: what remains of a message outlives its users, and each would cost a look-up a
                    // row.
                    .col(ColumnDef::new(Messages::SenderId).integer().not_null())
                    .col(ColumnDef::new(Messages::ReceiverId).integer().not_null())
                    .col(ColumnDef::new(Messages::MessageType).text().not_null())
                    .col(ColumnDef::new(Messages::Timestamp).big_integer().not_null())
                    // Binary, since any UTF-8 is allowed, NUL included, which PostgreSQL's text refuses.
                    .col(ColumnDef::new(Messages::SenderCopy).blob().not_null())
                    .col(ColumnDef::new(Messages::ReceiverCopy).blob().not_null())
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("messages_conversation")
                    .table(Messages::Table)
                    .col(Messages::ConversationId)
                    .col(Messages::Timestamp)
                    .to_owned(),
            )
            .await
    }
}
