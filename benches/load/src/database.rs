//! The database of one run.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use fluent_backend::testing::TestDatabase;
use tokio_postgres::{Client, NoTls};

/// The database of one run. One in PostgreSQL is dropped with this value; a SQLite file is in the run's directory.
pub(crate) enum Database {
    /// The file.
    Sqlite(PathBuf),
    /// The database.
    Postgres(TestDatabase),
}

impl Database {
    /// Makes a database on the server of the one that the URL names.
    pub(crate) async fn on_postgres(parent: &str) -> Result<Self> {
        Ok(Self::Postgres(TestDatabase::create_on(parent).await?))
    }

    /// Returns the kind of database.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// Returns its URL for the server's settings; empty for the file that the server makes by default.
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(fresh) => fresh.url(),
        }
    }

    /// Returns its path or its URL.
    pub(crate) fn place(&self) -> OsString {
        match self {
            Self::Sqlite(path) => path.clone().into(),
            Self::Postgres(fresh) => fresh.url().into(),
        }
    }
}

/// Connects, and drives the connection for as long as the client is used.
pub(crate) async fn connect(url: &str) -> Result<Client> {
    // The driver's own error is not shown: it may repeat the URL with its password.
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("cannot connect to PostgreSQL")?;
    tokio::spawn(connection);
    Ok(client)
}
