//! A database of a run's own.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use tokio_postgres::{Client, NoTls};

use crate::clock;

/// A database of a run's own. One in PostgreSQL is dropped with this value; a SQLite file lies in the run's directory.
pub(crate) enum Database {
    /// The file.
    Sqlite(PathBuf),
    /// The database.
    Postgres(Fresh),
}

/// A database that is dropped at the end.
pub(crate) struct Fresh {
    name: String,
    /// Of the database that was there before.
    parent: String,
    url: String,
}

impl Database {
    /// Makes one beside the one that the URL names.
    pub(crate) async fn on_postgres(parent: &str) -> Result<Self> {
        let name = format!("fluent_load_{}_{}", std::process::id(), clock::unix_micros());
        connect(parent).await?.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let url = with_database(parent, &name).context("the URL names no host")?;
        Ok(Self::Postgres(Fresh { name, parent: parent.to_owned(), url }))
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
            Self::Postgres(fresh) => &fresh.url,
        }
    }

    /// Its path or its URL.
    pub(crate) fn place(&self) -> OsString {
        match self {
            Self::Sqlite(path) => path.clone().into(),
            Self::Postgres(fresh) => fresh.url.clone().into(),
        }
    }
}

impl Fresh {
    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let (parent, name) = (self.parent.clone(), self.name.clone());
        // Not on the tool's runtime, which may be at its end.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                connect(&parent).await?.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
                anyhow::Ok(())
            })
        });
        // The cluster may be gone already.
        let _ = dropping.join();
    }
}

/// Connects, and lets the connection run for as long as the client is used.
pub(crate) async fn connect(url: &str) -> Result<Client> {
    // Without the driver's text, which may repeat the URL and its password.
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("cannot connect to PostgreSQL")?;
    tokio::spawn(connection);
    Ok(client)
}

/// The URL with another database in it.
fn with_database(url: &str, name: &str) -> Option<String> {
    let (scheme, behind) = url.split_once("://")?;
    let (front, query) = behind.split_once('?').unwrap_or((behind, ""));
    let authority = front.split('/').next().unwrap_or_default();
    let mark = if query.is_empty() { "" } else { "?" };
    Some(format!("{scheme}://{authority}/{name}{mark}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_in_a_url() {
        for (url, expected) in [
            ("postgres://u:p@h:5432/old?sslmode=disable", "postgres://u:p@h:5432/new?sslmode=disable"),
            ("postgres://u@%2Ftmp%2Fx/old", "postgres://u@%2Ftmp%2Fx/new"),
            ("postgresql://h", "postgresql://h/new"),
        ] {
            assert_eq!(with_database(url, "new").as_deref(), Some(expected));
        }
        assert_eq!(with_database("host=h", "new"), None);
    }
}
