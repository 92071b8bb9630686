//! A PostgreSQL server that is started for tests or measurements and thrown away.

mod installed;
mod standby;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::storage::testing::databases;
use crate::testing::keeper::{Keeper, SHELL};
use installed::Installation;

/// Longest wait for a server to accept connections, and to stop.
const START: Duration = Duration::from_secs(30);
/// The port in the name of the socket when no port is set.
const DEFAULT_PORT: u16 = 5432;
/// The database that exists on every server.
const FIRST_DATABASE: &str = "postgres";
/// The database that [`Postgres::start`] makes.
const DATABASE: &str = "fluent";

/// The reason why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// `initdb` and `postgres` are neither where Debian keeps them nor on the path.
    #[error("PostgreSQL (initdb, postgres) is not installed")]
    NotInstalled,
    /// The server could not be made or started.
    #[error("PostgreSQL: {0}")]
    Failed(String),
    /// A file or a process failed.
    #[error("PostgreSQL: {0}")]
    Io(#[from] std::io::Error),
}

/// The settings of a server.
#[derive(Debug, Default)]
pub struct PostgresSettings {
    /// Where its directory is made; by default the system's temporary directory.
    pub parent: Option<PathBuf>,
    /// Whether a commit waits for the disk. Tests need not: they crash only processes.
    pub durable: bool,
    /// A port of 127.0.0.1, beside the Unix socket.
    pub port: Option<u16>,
    /// A certificate and its key in PEM form, to speak TLS on the port.
    pub certificate: Option<(String, String)>,
    /// More settings, as `name=value`.
    pub more: Vec<String>,
}

/// A throw-away server that is reached by a Unix socket and gone with this value, or with the process.
pub struct Postgres {
    installation: Installation,
    settings: PostgresSettings,
    /// Dropped before the directory, which it removes.
    keeper: Option<Keeper>,
    dir: TempDir,
}

impl Postgres {
    /// Starts a server with a database `fluent`, which is empty.
    pub async fn start() -> Result<Self, PostgresError> {
        Self::start_with(PostgresSettings::default()).await
    }

    /// As [`start`](Self::start), with some settings changed.
    pub async fn start_with(settings: PostgresSettings) -> Result<Self, PostgresError> {
        let installation = Installation::find().ok_or(PostgresError::NotInstalled)?;
        let parent = settings.parent.clone().unwrap_or_else(std::env::temp_dir);
        let dir = tempfile::Builder::new().prefix("fluent-postgres-").tempdir_in(parent)?;
        installation.give(dir.path())?;
        if let Some((certificate, key)) = &settings.certificate {
            installation.write(&dir.path().join("server.crt"), certificate)?;
            installation.write(&dir.path().join("server.key"), key)?;
        }
        let mut initdb = installation.program("initdb");
        initdb.args(["--username=fluent", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--pgdata"]);
        let made = initdb.arg(dir.path().join("data")).output()?;
        if !made.status.success() {
            let reason = String::from_utf8_lossy(&made.stderr).trim().to_owned();
            return Err(PostgresError::Failed(format!("initdb: {reason}")));
        }
        let mut server = Self { installation, settings, keeper: None, dir };
        server.restart().await?;
        let made = databases::create_database(&server.url(FIRST_DATABASE), DATABASE, None).await;
        made.map_err(|error| PostgresError::Failed(error.to_string()))?;
        Ok(server)
    }

    /// Returns the URL of a database of this server, by its Unix socket.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let dir = self.dir.path().display().to_string().replace('%', "%25").replace('/', "%2F");
        // The port is part of the socket's name, too.
        let port = self.settings.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("postgres://fluent@{dir}{port}/{database}")
    }

    /// Returns the path of its Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join(format!(".s.PGSQL.{}", self.settings.port.unwrap_or(DEFAULT_PORT)))
    }

    /// Returns what it has logged so far.
    pub fn log(&self) -> Result<String, PostgresError> {
        Ok(String::from_utf8_lossy(&std::fs::read(self.dir.path().join("log"))?).into_owned())
    }

    /// Kills it at once, as a crash would, and waits until it is gone.
    pub fn crash(&mut self) -> Result<(), PostgresError> {
        self.end("KILL")
    }

    /// Stops it in order: open transactions are rolled back, connections closed.
    pub fn stop(&mut self) -> Result<(), PostgresError> {
        self.end("INT")
    }

    fn end(&mut self, signal: &str) -> Result<(), PostgresError> {
        if let Some(keeper) = self.keeper.take() {
            keeper.end(signal)?;
        }
        Ok(())
    }

    /// Starts it again after [`crash`](Self::crash) or [`stop`](Self::stop), and waits until it accepts connections.
    pub async fn restart(&mut self) -> Result<(), PostgresError> {
        let deadline = Instant::now() + START;
        let url = self.url(FIRST_DATABASE);
        loop {
            let keeper = match &mut self.keeper {
                Some(keeper) => keeper,
                none => none.insert(self.installation.keep(self.dir.path(), &self.settings)?),
            };
            // Remains of a crashed server may still be there, and then the first attempts fail at once.
            if keeper.has_ended()? {
                self.keeper = None;
            }
            let Err(error) = databases::execute(&url, "SELECT 1").await else { return Ok(()) };
            if Instant::now() > deadline {
                let log = self.log()?;
                return Err(PostgresError::Failed(format!("it does not start: {error}\n{log}")));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Installation {
    fn keep(&self, dir: &Path, settings: &PostgresSettings) -> Result<Keeper, PostgresError> {
        let listen = if settings.port.is_some() { "127.0.0.1" } else { "" };
        let mut set = vec![
            format!("listen_addresses={listen}"),
            format!("unix_socket_directories={}", dir.display()),
            // Many tests run at once, each with pools of its own.
            "max_connections=500".to_owned(),
        ];
        set.extend(settings.port.map(|port| format!("port={port}")));
        if !settings.durable {
            // Writes of a killed process survive in the system's cache.
            set.extend(["fsync=off", "full_page_writes=off"].map(str::to_owned));
        }
        if settings.certificate.is_some() {
            let file = |name: &str| dir.join(name).display().to_string();
            set.push("ssl=on".to_owned());
            set.push(format!("ssl_cert_file={}", file("server.crt")));
            set.push(format!("ssl_key_file={}", file("server.key")));
        }
        let mut arguments = vec!["-D".to_owned(), dir.join("data").display().to_string()];
        for setting in set.into_iter().chain(settings.more.iter().cloned()) {
            arguments.extend(["-c".to_owned(), setting]);
        }
        // `QUIT` ends it at once, without waiting for clients.
        Ok(Keeper::start(self.command(SHELL), dir, "QUIT", &self.path("postgres"), arguments)?)
    }

    fn program(&self, name: &str) -> Command {
        self.command(self.path(name))
    }
}
