//! The place of the tool's own servers: program, directory and database.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use fluent_backend::testing::{Nats, Postgres, PostgresSettings, share_instance_key};
use tempfile::TempDir;

use crate::child::{self, Child};
use crate::database::Database;
use crate::delayed::Delayed;
use crate::marked_frame::Dialect;
use crate::seed;
use crate::stock::{Keep, Stock};
use crate::target::{Account, Target};
use crate::token::Mint;

/// Signs the tokens of all runs: the servers live for minutes, on loopback.
const SECRET: &str = "the secret of servers that live for a load test";
const LOOPBACK: &str = "127.0.0.1:0";
/// The magic number of a file system in memory (`statfs(2)`).
const TMPFS: i64 = 0x0102_1994;

/// The server to start.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Where {
    /// The server's program, to be started on a fresh database; by default the one beside this program
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Where its data directory is made, and removed at the end: on a real disk; by default the system's temporary
    /// directory
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// A PostgreSQL in which a fresh database is made, and dropped at the end: `postgres://user:password@host/name`
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Use a throw-away PostgreSQL that is started for this
    #[arg(long, conflicts_with = "database_url")]
    postgres: bool,
    /// Microseconds that each byte between the servers and that PostgreSQL is on its way, as over a network
    #[arg(long, value_name = "US", requires = "postgres", default_value_t = 0)]
    delay_us: u64,
}

/// The store of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Store {
    /// Nowhere: it only forwards.
    None,
    /// In a SQLite file.
    Sqlite,
    /// In PostgreSQL.
    Postgres,
}

impl Store {
    /// Returns its name on the command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// The limits of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limits {
    /// None.
    Off,
    /// All that a load meets are checked, with numbers that none reaches.
    High,
    /// As they are by default, for addresses of this machine as for others.
    Default,
}

/// Makes servers, each with a database of its own.
#[derive(Clone)]
pub(crate) struct Place {
    /// The name of the server in reports.
    name: &'static str,
    program: PathBuf,
    dir: PathBuf,
    postgres: Option<String>,
    cluster: Option<Arc<Postgres>>,
    /// The way of its servers to that PostgreSQL, if it is a long one.
    delayed: Option<Arc<Delayed>>,
    /// The URL of NATS between its servers.
    nats: Option<String>,
    /// Whether the program has `media.directory`; one that shall be replaced may be older.
    knows_files: bool,
    /// The limits that its servers keep.
    limits: Limits,
    /// Whether its servers offer to wake devices by Web Push, or nothing of the kind; by default as the tool's
    /// environment says.
    has_push: Option<bool>,
    /// Whether its servers believe the tool, which names the addresses of clients as a proxy does.
    is_proxied: bool,
}

impl Where {
    /// Prepares the place; `on_postgres` is the default when no store is chosen.
    pub(crate) async fn place(&self, on_postgres: bool) -> Result<Place> {
        let mut place = Place::at(self.server.as_deref(), self.dir.as_deref())?;
        if self.postgres || (on_postgres && self.database_url.is_none()) {
            place.cluster = Some(Arc::new(place.start_postgres().await?));
        }
        if self.delay_us > 0
            && let Some(cluster) = &place.cluster
        {
            let delay = Duration::from_micros(self.delay_us);
            place.delayed = Some(Arc::new(Delayed::to(cluster.socket(), delay)?));
        }
        let own = place.cluster.as_ref().map(|cluster| cluster.url("postgres"));
        place.postgres = self.database_url.clone().or(own);
        Ok(place)
    }
}

impl Place {
    /// Makes a place for servers of the program at `server`, by default the one beside this program, in `dir`, by
    /// default the system's temporary directory. It must be on a disk.
    pub(crate) fn at(server: Option<&Path>, dir: Option<&Path>) -> Result<Self> {
        let beside = || Ok(std::env::current_exe()?.with_file_name("fluent-backend"));
        let program = found(&server.map(Path::to_owned).map_or_else(beside, anyhow::Ok)?)?;
        let dir = dir.map_or_else(std::env::temp_dir, Path::to_owned);
        let dir = dir.canonicalize().with_context(|| format!("there is no directory {}", dir.display()))?;
        let kind = rustix::fs::statfs(&dir).map_or(0, |found| found.f_type);
        ensure!(kind != TMPFS, "{} is in memory: give a --dir on a real disk", dir.display());
        Ok(Self {
            name: "server",
            knows_files: knows_files(&program, &dir),
            program,
            dir,
            postgres: None,
            cluster: None,
            delayed: None,
            nats: None,
            limits: Limits::Off,
            has_push: None,
            is_proxied: false,
        })
    }

    /// Returns the same place for servers of another program, with another name in reports.
    pub(crate) fn with_program(&self, name: &'static str, program: &Path) -> Result<Self> {
        let program = found(program)?;
        Ok(Self { name, knows_files: knows_files(&program, &self.dir), program, ..self.clone() })
    }

    /// Returns the same place for servers that check each limit, of which none is ever reached, with another name in
    /// reports.
    pub(crate) fn with_limits(&self, name: &'static str) -> Self {
        Self { name, limits: Limits::High, ..self.clone() }
    }

    /// Returns the same place for servers with the limits that are the default, with another name in reports.
    pub(crate) fn with_default_limits(&self, name: &'static str) -> Self {
        Self { name, limits: Limits::Default, ..self.clone() }
    }

    /// Returns the same place for servers that offer Web Push, or no push at all, with another name in reports.
    pub(crate) fn with_push(&self, name: &'static str, has_push: bool) -> Self {
        Self { name, has_push: Some(has_push), ..self.clone() }
    }

    /// As [`with_limits`](Self::with_limits), with the default limits of logins, but for those of one user at home, and
    /// with the tool as a proxy.
    pub(crate) fn with_guarded_logins(&self, name: &'static str) -> Self {
        Self { is_proxied: true, ..self.with_limits(name) }
    }

    /// Puts this NATS between its servers.
    pub(crate) fn put_between(&mut self, nats: &Nats) {
        self.nats = Some(nats.url());
    }

    /// Returns the store of its servers.
    pub(crate) fn store(&self) -> Store {
        if self.postgres.is_some() { Store::Postgres } else { Store::Sqlite }
    }

    /// Starts a throw-away PostgreSQL, which waits for the disk as a real one does.
    pub(crate) async fn start_postgres(&self) -> Result<Postgres> {
        let settings =
            PostgresSettings { parent: Some(self.dir.clone()), durable: true, ..PostgresSettings::default() };
        Postgres::start_with(settings).await.context("no PostgreSQL of the run's own")
    }

    /// Makes a fresh database with `count` accounts of fluent.v1, and its directory; on the PostgreSQL at `parent`, if
    /// given.
    pub(crate) async fn populated(&mut self, parent: Option<String>, count: u32) -> Result<(TempDir, Database)> {
        self.postgres = parent;
        let (dir, database) = self.fresh(self.postgres.is_some()).await?;
        seed::accounts(&database, count, Dialect::V1).await?;
        Ok((dir, database))
    }

    /// Starts the server on a fresh database with `count` accounts that speak `dialect`.
    pub(crate) async fn server(&self, count: u32, dialect: Dialect) -> Result<Target> {
        let (dir, database) = self.fresh(self.postgres.is_some()).await?;
        seed::accounts(&database, count, dialect).await?;
        self.start(dir, database, count).await
    }

    /// Starts the server on a database filled with `stock`, whose users speak `dialect`.
    pub(crate) async fn stocked(&self, stock: &Stock, dialect: Dialect, keep: &Keep) -> Result<Target> {
        let (dir, database) = self.fresh(self.postgres.is_some()).await?;
        stock.fill(&database, dialect, keep).await?;
        self.start(dir, database, stock.users).await
    }

    async fn start(&self, dir: TempDir, database: Database, count: u32) -> Result<Target> {
        let child = Child::start(&mut self.command(dir.path(), &self.near(&database)), dir.path()).await?;
        self.target(format!("{}/{}", self.name, database.kind()), child, Some(database), dir, count)
    }

    /// Returns the URL of a database for its servers, which may be far from it.
    pub(crate) fn near(&self, database: &Database) -> String {
        match (&self.delayed, database) {
            (Some(delayed), Database::Postgres(far)) => delayed.url(far.name()),
            _ => database.url().to_owned(),
        }
    }

    /// Starts a reference with this store, on a fresh database with the server's schema.
    pub(crate) async fn reference(&self, count: u32, store: Store) -> Result<Target> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["reference", "--store", store.as_str()]);
        let (dir, database) = if store == Store::None {
            (self.fresh_dir()?, None)
        } else {
            let (dir, database) = self.fresh(store == Store::Postgres).await?;
            command.arg("--database").arg(database.place());
            (dir, Some(database))
        };
        let child = Child::start(&mut command, dir.path()).await?;
        self.target(format!("reference/{}", store.as_str()), child, database, dir, count)
    }

    /// Starts the server on a fresh database, with these settings beside the others.
    pub(crate) async fn server_with(&self, settings: &[(&str, &Path)]) -> Result<Target> {
        let (dir, database) = self.fresh(self.postgres.is_some()).await?;
        let mut command = self.command(dir.path(), &self.near(&database));
        let child = Child::start(command.envs(settings.iter().copied()), dir.path()).await?;
        self.target(format!("{}/{}", self.name, database.kind()), child, Some(database), dir, 0)
    }

    /// Starts the bare acceptor of TLS with the certificate and key in `files`.
    pub(crate) async fn bare_tls(&self, files: &Path) -> Result<Target> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["reference", "--tls"]).arg(files);
        let dir = self.fresh_dir()?;
        let child = Child::start(&mut command, dir.path()).await?;
        self.target("bare".to_owned(), child, None, dir, 0)
    }

    /// Starts the bare server of files.
    pub(crate) async fn bare_files(&self) -> Result<Target> {
        let mut command = Command::new(std::env::current_exe()?);
        let dir = self.fresh_dir()?;
        command.args(["reference", "--files"]).arg(dir.path());
        let child = Child::start(&mut command, dir.path()).await?;
        self.target("bare".to_owned(), child, None, dir, 0)
    }

    /// Makes a directory, removed with the value.
    pub(crate) fn fresh_dir(&self) -> Result<TempDir> {
        let made = tempfile::Builder::new().prefix("fluent-load-").tempdir_in(&self.dir);
        made.with_context(|| format!("cannot make a directory in {}", self.dir.display()))
    }

    /// Returns the throw-away PostgreSQL of its servers, if there is one.
    pub(crate) fn cluster(&self) -> Option<Arc<Postgres>> {
        self.cluster.clone()
    }

    /// Makes a directory and a migrated database.
    pub(crate) async fn fresh(&self, on_postgres: bool) -> Result<(TempDir, Database)> {
        let dir = self.fresh_dir()?;
        let database = match &self.postgres {
            Some(url) if on_postgres => Database::on_postgres(url).await?,
            _ => Database::Sqlite(dir.path().join("data").join("fluent.db")),
        };
        let mut command = self.command(dir.path(), database.url());
        child::run(command.args(["migrate", "up"])).context("cannot make the database")?;
        Ok((dir, database))
    }

    /// Returns the command for a server in this directory, on the database at `url`.
    pub(crate) fn command(&self, dir: &Path, url: &str) -> Command {
        share_instance_key(&dir.join("data"));
        let mut command = Command::new(&self.program);
        command
            // So that the server does not read a .env file of the tool's directory.
            .current_dir(dir)
            .env_remove("FLUENT__DATABASE__URL")
            .env("DATABASE_URL", url)
            .env("SECRET_KEY", SECRET)
            .env("FLUENT__SERVER__DATA_DIR", dir.join("data"))
            .env("FLUENT__SERVER__LISTEN", LOOPBACK)
            .env("FLUENT__ADMIN__LISTEN", LOOPBACK)
            // Tokens outlive any run: what is measured are no refreshes.
            .env("FLUENT__AUTH__ACCESS_TOKEN_S", "86400")
            .env("FLUENT__LIMITS__ENABLED", if self.limits == Limits::Off { "false" } else { "true" })
            .env("FLUENT__LOG__FILTER", "warn");
        if self.knows_files {
            // Where NATS joins servers, they must be told. No load has files at several.
            command.env("FLUENT__MEDIA__DIRECTORY", dir.join("data/media"));
        }
        if self.limits == Limits::High {
            command.envs(high_limits());
        }
        if self.limits == Limits::Default {
            command.env("FLUENT__BANS__EXEMPT", "");
        }
        if let Some(has_push) = self.has_push {
            command
                .env("FLUENT__PUSH__ENABLED", if has_push { "true" } else { "false" })
                .env("FLUENT__PUSH__WEBPUSH__CONTACT", "mailto:load@example.org");
        }
        if self.is_proxied {
            command
                .env("FLUENT__SERVER__CLIENT_ADDRESS", "x-forwarded-for")
                .env("FLUENT__SERVER__TRUSTED_PROXIES", "127.0.0.0/8");
        }
        if let Some(nats) = &self.nats {
            command.env("FLUENT__CLUSTER__NATS_URL", nats);
        }
        command
    }

    fn target(
        &self,
        name: String,
        child: Child,
        database: Option<Database>,
        dir: TempDir,
        count: u32,
    ) -> Result<Target> {
        Ok(Target::own(name, accounts(count)?, child, database, dir, self.cluster.clone()))
    }
}

/// Returns settings by which all limits that a load meets are checked, and none is reached.
fn high_limits() -> impl Iterator<Item = (String, &'static str)> {
    const RATES: [&str; 12] = [
        "LOGIN__KNOWN",
        "HANDSHAKE__USER",
        "SEND__PAIR",
        "SEND__USER",
        "CONTACT__USER",
        "EVENT__USER",
        "FRAMES__SOCKET",
        "REST__USER",
        "REST__ADDRESS",
        "SEARCH__USER",
        "DIRECTORY__USER",
        "RECEIPT__PAIR",
    ];
    let rates = RATES.into_iter().flat_map(|rate| {
        [(format!("FLUENT__LIMITS__{rate}__BURST"), "1000000000"), (format!("FLUENT__LIMITS__{rate}__EVERY_MS"), "1")]
    });
    let bytes = ["PARTNERS", "STRANGERS"].into_iter().flat_map(|bytes| {
        let key = |what| format!("FLUENT__LIMITS__INBOUND__{bytes}__{what}");
        [(key("BURST"), "4000000000"), (key("PER_S"), "1000000000")]
    });
    rates.chain(bytes).chain([("FLUENT__QUOTA__SEND_BYTES_PER_DAY".to_owned(), "4000000000000")])
}

/// Returns whether a program takes the directory of files as a setting.
fn knows_files(program: &Path, dir: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(["config", "show"]).current_dir(dir).env("FLUENT__MEDIA__DIRECTORY", dir);
    command.output().is_ok_and(|output| output.status.success())
}

/// Returns the absolute path of a server's program.
fn found(program: &Path) -> Result<PathBuf> {
    let Ok(found) = program.canonicalize() else {
        let path = program.display();
        bail!("there is no server at {path}: make one with `cargo build --release`, or give --server");
    };
    Ok(found)
}

/// Returns tokens of these accounts that have expired, in their order.
pub(crate) fn expired_tokens(count: u32) -> Result<Vec<String>> {
    let mint = Mint::new(SECRET);
    (1..=i32::try_from(count)?).map(|id| mint.expired(id, id.into())).collect()
}

/// Returns the accounts that every database of a run begins with.
pub(crate) fn accounts(count: u32) -> Result<Vec<Account>> {
    let mint = Mint::new(SECRET);
    (1..=i32::try_from(count)?).map(|id| Ok(Account { id, token: mint.token(id, id.into())? })).collect()
}
