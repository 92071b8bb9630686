//! Databases with many users and messages, which can be kept, since making one takes a while.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use fluent_backend::Config;
use fluent_backend::domain::UserId;
use fluent_backend::testing::seed;
use serde::Serialize;

use crate::clock;
use crate::database::{self, Database};
use crate::marked_frame::Dialect;
use crate::progress::Progress;
use crate::requests::Asking;
use crate::seed::{LOGIN_US, PASSWORD, number};

/// A kept database.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub(crate) struct Keep {
    /// Keep the filled database in this directory, and copy it from there the next time (SQLite)
    #[arg(long, value_name = "DIR")]
    #[serde(skip)]
    keep: Option<PathBuf>,
}

/// The load of requests to a kept database.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub(crate) struct StockedLoad {
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) asking: Asking,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) keep: Keep,
}

/// The contents of a database.
pub(crate) struct Stock {
    /// Its name, with kind and size: different contents must have different names.
    pub(crate) name: String,
    /// Users, with ids from 1 on, and with the names of [`seed::name`] from number 0 on.
    pub(crate) users: u32,
    /// The pairs of users who have written to each other: message number `k`, counted from 0, has the id `k + 1` and is
    /// of pair `k % pairs`. Time stamps are a microsecond apart.
    pub(crate) pairs: Vec<(u32, u32)>,
    pub(crate) messages: u64,
    /// Size of each ciphertext.
    pub(crate) bytes: usize,
    /// Deletions after the messages.
    pub(crate) then: Option<Deleted>,
}

/// A user deletes all messages for themselves, and a few new ones follow.
#[derive(Clone)]
pub(crate) struct Deleted {
    pub(crate) by: u32,
    pub(crate) pairs: Vec<(u32, u32)>,
    pub(crate) messages: u64,
}

impl Stock {
    /// Fills a database that is empty except for its schema, with a login of the same number for each user.
    pub(crate) async fn fill(&self, database: &Database, dialect: Dialect, keep: &Keep) -> Result<()> {
        match (database, &keep.keep) {
            (_, None) => self.make(database).await?,
            (Database::Sqlite(path), Some(dir)) => {
                let kept = dir.join(format!("{}.db", self.name));
                if kept.exists() {
                    copy(&kept, path)?;
                } else {
                    self.make(database).await?;
                    // Everything must be in the file itself, not in its log.
                    rusqlite::Connection::open(path)?.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?;
                    std::fs::create_dir_all(dir)?;
                    let half = kept.with_extension("half");
                    copy(path, &half)?;
                    std::fs::rename(half, kept)?;
                }
            }
            (Database::Postgres(_), Some(_)) => bail!("only a SQLite database can be kept"),
        }
        logins(database, dialect).await
    }

    async fn make(&self, database: &Database) -> Result<()> {
        let config = config(database)?;
        let _progress = Progress::unknown(&format!("{} users and {} messages are made", self.users, self.messages));
        let ids = Box::pin(seed::users(&config, 0, self.users.into(), PASSWORD)).await;
        let expected = (1..=self.users).map(|id| i32::try_from(id).map(UserId)).collect::<Result<Vec<_>, _>>()?;
        if ids != expected {
            bail!("the database was not empty");
        }
        let user = |id: u32| i32::try_from(id).map(UserId);
        let ids = |pairs: &[(u32, u32)]| -> Result<Vec<(UserId, UserId)>> {
            pairs.iter().map(|&(a, b)| Ok((user(a)?, user(b)?))).collect()
        };
        // All in one call, so that their time stamps have no gap.
        Box::pin(seed::messages(&config, &ids(&self.pairs)?, self.messages, self.bytes)).await;
        if let Some(Deleted { by, pairs, messages }) = &self.then {
            Box::pin(seed::deletions(&config, user(*by)?)).await;
            Box::pin(seed::messages(&config, &ids(pairs)?, *messages, self.bytes)).await;
        }
        Ok(())
    }
}

/// Returns the server's default settings, on this database.
fn config(database: &Database) -> Result<Config> {
    let mut config = Config::defaults()?;
    match database {
        Database::Sqlite(path) => {
            path.parent().context("a database without a directory")?.clone_into(&mut config.server.data_dir);
        }
        Database::Postgres(_) => config.database.url = database.url().to_owned().into(),
    }
    Ok(config)
}

/// Makes logins for all users, which begin now.
async fn logins(database: &Database, dialect: Dialect) -> Result<()> {
    let now = clock::unix_micros();
    let sql = "INSERT INTO logins (id, user_id, created_at, last_used_at, expires_at, dialect) \
         SELECT id, id, $1, $1, $2, $3 FROM users ORDER BY id";
    match database {
        Database::Sqlite(path) => {
            rusqlite::Connection::open(path)?.execute(sql, (now, now + LOGIN_US, number(dialect)))?;
        }
        Database::Postgres(_) => {
            let db = database::connect(database.url()).await?;
            db.execute(sql, &[&now, &(now + LOGIN_US), &number(dialect)]).await?;
            let next = "SELECT setval(pg_get_serial_sequence('logins', 'id'), MAX(id)) FROM logins";
            db.execute(next, &[]).await?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
