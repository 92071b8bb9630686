//! A database of a run's own.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use fluent_backend::testing::TestDatabase;
use tokio_postgres::{Client, NoTls};

/// A database of a run's own. One in PostgreSQL is dropped with this value; a SQLite file lies in the run's directory.
pub(crate) enum Database {
    /// The file.
    Sqlite(PathBuf),
    /// The database.
    Postgres(TestDatabase),
}

impl Database {
    /// Makes one beside the one that the URL names.
    pub(crate) async fn on_postgres(parent: &str) -> Result<Self> {
        Ok(Self::Postgres(TestDatabase::create_on(parent).await?))
    }

    /// What it is.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// Its URL, as our server takes it; empty for the file that the server makes anyway.
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(fresh) => fresh.url(),
        }
    }

    /// Its path or its URL.
    pub(crate) fn place(&self) -> OsString {
        match self {
            Self::Sqlite(path) => path.clone().into(),
            Self::Postgres(fresh) => fresh.url().into(),
        }
    }
}

/// Connects, and lets the connection run for as long as the client is used.
pub(crate) async fn connect(url: &str) -> Result<Client> {
    // Without the driver's text, which may repeat the URL and its password.
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("cannot connect to PostgreSQL")?;
    tokio::spawn(connection);
    Ok(client)
}
