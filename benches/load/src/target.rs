//! What is loaded: a server of the tool's own, or one that runs already.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::child::{self, Child};
use crate::letter::Dialect;
use crate::seed;
use crate::token::Mint;

/// Signs the tokens of all runs: the servers live for minutes, on loopback.
const SECRET: &str = "the secret of servers that live for a load test";
const LOOPBACK: &str = "127.0.0.1:0";

/// Which server to load.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Where {
    /// The server's program, to be started on a fresh database; by default the one beside this program
    #[arg(long, value_name = "PATH")]
    pub(crate) server: Option<PathBuf>,
    /// Where its data directory is made, and removed at the end: on a real disk; by default the system's temporary directory
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

impl Where {
    /// The program of the server.
    pub(crate) fn program(&self) -> Result<PathBuf> {
        let beside = || Ok(std::env::current_exe()?.with_file_name("fluent-backend"));
        let path = self.server.clone().map_or_else(beside, anyhow::Ok)?;
        match path.canonicalize() {
            Ok(path) if path.is_file() => Ok(path),
            _ => bail!(
                "there is no server at {}: make one with `cargo build --release`, or give --server",
                path.display()
            ),
        }
    }

    /// A directory for one run.
    pub(crate) fn fresh_dir(&self) -> Result<TempDir> {
        let parent = self.dir.clone().unwrap_or_else(std::env::temp_dir);
        tempfile::Builder::new()
            .prefix("fluent-load-")
            .tempdir_in(&parent)
            .with_context(|| format!("cannot make a directory in {}", parent.display()))
    }
}

/// Somebody who can connect.
pub(crate) struct Account {
    pub(crate) id: i32,
    pub(crate) token: String,
}

/// A server that can be loaded. Its process and its files are gone with this value.
pub(crate) struct Target {
    /// `server`, or which reference.
    pub(crate) name: String,
    pub(crate) addr: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    /// Its process, when it can be watched.
    pub(crate) pid: Option<u32>,
    pub(crate) accounts: Vec<Account>,
    // In this order: the files go after the process.
    child: Option<Child>,
    _dir: TempDir,
}

impl Target {
    /// Our server on a fresh database with `count` accounts that speak `dialect`.
    pub(crate) async fn server(place: &Where, count: u32, dialect: Dialect) -> Result<Self> {
        let (program, dir) = (place.program()?, place.fresh_dir()?);
        let database = migrated(&program, dir.path())?;
        seed::sqlite(&database, count, dialect)?;
        let child = Child::start(&mut server_command(&program, dir.path()), dir.path()).await?;
        Self::of("server".to_owned(), child, dir, count)
    }

    /// A reference that stores in a fresh database of our schema, or nowhere.
    pub(crate) async fn reference(place: &Where, count: u32, store: Store) -> Result<Self> {
        let dir = place.fresh_dir()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["reference", "--store", store.as_str()]);
        if store == Store::Sqlite {
            command.arg("--database").arg(migrated(&place.program()?, dir.path())?);
        }
        let child = Child::start(&mut command, dir.path()).await?;
        Self::of(format!("reference/{}", store.as_str()), child, dir, count)
    }

    fn of(name: String, child: Child, dir: TempDir, count: u32) -> Result<Self> {
        let mint = Mint::new(SECRET);
        let ids = 1..=i32::try_from(count)?;
        let accounts = ids.map(|id| Ok(Account { id, token: mint.token(id, id.into())? })).collect::<Result<_>>()?;
        let (addr, admin, pid) = (child.addr, child.admin, Some(child.pid()));
        Ok(Self { name, addr, admin, pid, accounts, child: Some(child), _dir: dir })
    }

    /// What the server has logged, for the report of an error.
    pub(crate) fn said(&self) -> String {
        self.child.as_ref().map(Child::said).unwrap_or_default()
    }
}

/// Where the reference keeps messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Store {
    /// Nowhere: it only forwards.
    None,
    /// In a SQLite file.
    Sqlite,
}

impl Store {
    /// As it is given on a command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Sqlite => "sqlite",
        }
    }
}

/// The path of a database that our migrations have made.
fn migrated(program: &Path, dir: &Path) -> Result<PathBuf> {
    let mut command = server_command(program, dir);
    child::run(command.args(["migrate", "up"])).context("cannot make the database")?;
    Ok(dir.join("data").join("fluent.db"))
}

fn server_command(program: &Path, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        // Not the .env file of wherever the tool was started.
        .current_dir(dir)
        .env_remove("DATABASE_URL")
        .env("SECRET_KEY", SECRET)
        .env("FLUENT__SERVER__DATA_DIR", dir.join("data"))
        .env("FLUENT__SERVER__LISTEN", LOOPBACK)
        .env("FLUENT__ADMIN__LISTEN", LOOPBACK)
        .env("FLUENT__LIMITS__ENABLED", "false")
        .env("FLUENT__LOG__FILTER", "warn");
    command
}
