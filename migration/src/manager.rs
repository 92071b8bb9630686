//! What a migration works with.

use async_trait::async_trait;
use sea_orm::sea_query::{IndexCreateStatement, TableCreateStatement};
use sea_orm::{ConnectionTrait as _, DatabaseBackend, DatabaseTransaction, DbErr};

/// A step of the schema.
#[async_trait]
pub(crate) trait MigrationTrait: Send + Sync {
    /// Changes the schema, and what is stored.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr>;
}

/// The database that a migration changes, in the one transaction of that migration.
pub(crate) struct SchemaManager<'a>(pub(crate) &'a DatabaseTransaction);

impl SchemaManager<'_> {
    pub(crate) fn get_connection(&self) -> &DatabaseTransaction {
        self.0
    }

    pub(crate) fn get_database_backend(&self) -> DatabaseBackend {
        self.0.get_database_backend()
    }

    pub(crate) async fn create_table(&self, table: TableCreateStatement) -> Result<(), DbErr> {
        self.0.execute(&table).await.map(drop)
    }

    pub(crate) async fn create_index(&self, index: IndexCreateStatement) -> Result<(), DbErr> {
        self.0.execute(&index).await.map(drop)
    }
}
