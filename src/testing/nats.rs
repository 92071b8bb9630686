//! A NATS server that is started for tests and thrown away, and a proxy in front of it that breaks the way to it.

mod lane;
mod link;
mod wire;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rand::RngExt as _;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};

pub use lane::{Fate, LaneCounts};
pub use link::NatsLink;
pub use wire::NatsMessage;

use crate::testing::keeper::{Keeper, SHELL};

const PROGRAM: &str = "nats-server";
/// Where Debian puts it, which need not be on the path.
const SERVERS: &str = "/usr/sbin";
/// Longest wait for a server to accept connections, or to react to a signal.
const START: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(2);
/// Below the ports that Linux gives to connections: nobody takes the port while the server is down, and a client that
/// connects again and again does not meet itself there.
const PORTS: std::ops::Range<u16> = 10_240..32_768;

/// The reason why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// `nats-server` is neither on the path nor where Debian keeps it.
    #[error("NATS (nats-server) is not installed")]
    NotInstalled,
    /// The server could not be started, or does not obey.
    #[error("NATS: {0}")]
    Failed(String),
    /// A file or a process failed.
    #[error("NATS: {0}")]
    Io(#[from] std::io::Error),
}

/// A throw-away server on a port of 127.0.0.1, gone with this value, or with the process. It keeps nothing: there is no
/// `JetStream`.
pub struct Nats {
    program: PathBuf,
    port: u16,
    /// Dropped before the directory, which it removes.
    keeper: Option<Keeper>,
    dir: TempDir,
    /// More lines of its configuration.
    settings: String,
}

impl Nats {
    /// Starts a server on a free port.
    pub async fn start() -> Result<Self, NatsError> {
        Self::start_with("").await
    }

    /// Starts a server with more lines in its configuration.
    pub async fn start_with(settings: &str) -> Result<Self, NatsError> {
        let program = installed().ok_or(NatsError::NotInstalled)?;
        let dir = tempfile::Builder::new().prefix("fluent-nats-").tempdir()?;
        let mut server = Self { program, port: 0, keeper: None, dir, settings: settings.to_owned() };
        let deadline = Instant::now() + START;
        loop {
            server.port = rand::rng().random_range(PORTS);
            if server.try_start(deadline).await? {
                return Ok(server);
            }
        }
    }

    /// Returns its address.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Returns its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.addr())
    }

    /// Returns what it has logged so far.
    pub fn log(&self) -> Result<String, NatsError> {
        Ok(String::from_utf8_lossy(&std::fs::read(self.dir.path().join("log"))?).into_owned())
    }

    /// Kills it at once, as a crash would, and waits until it is gone.
    pub fn kill(&mut self) -> Result<(), NatsError> {
        match self.keeper.take() {
            Some(keeper) => Ok(keeper.end("KILL")?),
            None => Ok(()),
        }
    }

    /// Starts it again after [`kill`](Self::kill), on the same port, and waits until it accepts connections.
    pub async fn restart(&mut self) -> Result<(), NatsError> {
        let deadline = Instant::now() + START;
        while !self.try_start(deadline).await? {
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Stops its process where it is: its connections stay open, and nothing is read or answered.
    pub async fn freeze(&mut self) -> Result<(), NatsError> {
        self.signal("STOP", |state| state == "T").await
    }

    /// Lets it go on after [`freeze`](Self::freeze).
    pub async fn thaw(&mut self) -> Result<(), NatsError> {
        self.signal("CONT", |state| state != "T").await
    }

    async fn signal(&mut self, signal: &str, is_done: impl Fn(&str) -> bool) -> Result<(), NatsError> {
        let Some(keeper) = &mut self.keeper else { return Err(NatsError::Failed("it does not run".to_owned())) };
        keeper.signal(signal)?;
        let pid = std::fs::read_to_string(self.dir.path().join("pid"))?;
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            // Behind the name in parentheses.
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()))?;
            let state = stat.rsplit(')').next().unwrap_or_default().split_whitespace().next().unwrap_or_default();
            if is_done(state) {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
        Err(NatsError::Failed(format!("it does not obey {signal}")))
    }

    /// Starts it on its port. Returns false when it has ended: somebody else has the port.
    async fn try_start(&mut self, deadline: Instant) -> Result<bool, NatsError> {
        let dir = self.dir.path();
        let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (configuration, pid) = (dir.join("nats.conf"), dir.join("pid"));
        let text = format!(
            "listen: \"{}\"\nserver_name: \"{name}\"\npid_file: \"{}\"\nwrite_deadline: \"2s\"\n{}\n",
            self.addr(),
            pid.display(),
            self.settings
        );
        std::fs::write(&configuration, text)?;
        let arguments = ["-c".to_owned(), configuration.display().to_string()];
        // `KILL` ends a stopped process, too.
        let keeper = self.keeper.insert(Keeper::start(Command::new(SHELL), dir, "KILL", &self.program, arguments)?);
        let port = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        while !keeper.has_ended()? {
            // Its first line holds its name, so that it is not mistaken for another one.
            if timeout_at(deadline, greeting(port)).await.ok().flatten().is_some_and(|line| line.contains(&name)) {
                return Ok(true);
            }
            if Instant::now() > deadline {
                return Err(NatsError::Failed(format!("it does not start: {}", self.log()?)));
            }
            sleep(PAUSE).await;
        }
        // A keeper whose server has ended leaves the directory alone.
        self.keeper = None;
        if Instant::now() > deadline {
            return Err(NatsError::Failed(format!("it does not start: {}", self.log()?)));
        }
        Ok(false)
    }
}

/// Returns the first line that a server says.
async fn greeting(addr: SocketAddr) -> Option<String> {
    let mut lines = BufReader::new(TcpStream::connect(addr).await.ok()?).lines();
    lines.next_line().await.ok()?
}

/// Returns where the program is.
fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain([PathBuf::from(SERVERS)]);
    dirs.map(|dir| dir.join(PROGRAM)).find(|path| path.is_file())
}
