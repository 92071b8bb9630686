//! A PostgreSQL that is started for a run and thrown away. It waits for the disk, as one in earnest does.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::child;
use crate::database;

/// Longest time until it accepts connections.
const START: Duration = Duration::from_secs(30);

/// A cluster that is reached by a Unix socket, and gone with this value.
pub(crate) struct Cluster {
    server: std::process::Child,
    bin: PathBuf,
    dir: TempDir,
}

impl Cluster {
    /// Makes and starts one.
    pub(crate) async fn start(parent: &Path) -> Result<Self> {
        let bin = find_binaries().context("PostgreSQL (initdb, postgres) is not installed: give --database-url")?;
        let dir = tempfile::Builder::new().prefix("fluent-load-").tempdir_in(parent)?;
        let data = dir.path().join("data");
        std::fs::create_dir(&data)?;
        if let Some((uid, gid)) = unprivileged_user() {
            std::os::unix::fs::chown(dir.path(), Some(uid), Some(gid))?;
            std::os::unix::fs::chown(&data, Some(uid), Some(gid))?;
        }
        let options = ["--username=fluent", "--auth=trust", "--encoding=UTF8", "--pgdata"];
        child::run(program(&bin, "initdb").args(options).arg(&data)).context("initdb failed")?;
        let cluster = Self { server: serve(&bin, dir.path())?, bin, dir };
        cluster.ready().await?;
        Ok(cluster)
    }

    /// Kills it, as the kernel does when memory is short.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.server.kill()?;
        self.server.wait()?;
        Ok(())
    }

    /// Starts it again, and waits until it has recovered. One that was killed may leave processes behind for a moment, and as long
    /// as they live no other starts.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        loop {
            self.server = serve(&self.bin, self.dir.path())?;
            while self.server.try_wait()?.is_none() {
                if database::connect(&self.url()).await.is_ok() {
                    return Ok(());
                }
                ensure!(Instant::now() < deadline, "PostgreSQL does not start again");
                sleep(Duration::from_millis(50)).await;
            }
            ensure!(Instant::now() < deadline, "PostgreSQL does not start again");
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn ready(&self) -> Result<()> {
        let deadline = Instant::now() + START;
        while let Err(error) = database::connect(&self.url()).await {
            if Instant::now() > deadline {
                return Err(error.context("PostgreSQL does not start"));
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Its Unix socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join(".s.PGSQL.5432")
    }

    /// The URL of a database that is always there.
    pub(crate) fn url(&self) -> String {
        let dir = self.dir.path().display().to_string().replace('%', "%25").replace('/', "%2F");
        format!("postgres://fluent@{dir}/postgres")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Ends its other processes too, which a kill would leave behind.
        if let Some(pid) = i32::try_from(self.server.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        }
        let _ = self.server.wait();
    }
}

fn serve(bin: &Path, dir: &Path) -> Result<std::process::Child> {
    let mut serve = program(bin, "postgres");
    serve.arg("-D").arg(dir.join("data")).args(["-c", "listen_addresses=", "-c", "max_connections=100", "-c"]);
    serve.arg(format!("unix_socket_directories={}", dir.display()));
    let log = std::fs::File::options().create(true).append(true).open(dir.join("stderr.log"))?;
    Ok(serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?)
}

/// A program of PostgreSQL, as a user it accepts.
fn program(bin: &Path, name: &str) -> Command {
    let mut command = Command::new(bin.join(name));
    command.current_dir("/");
    if let Some((uid, gid)) = unprivileged_user() {
        std::os::unix::process::CommandExt::uid(&mut command, uid);
        std::os::unix::process::CommandExt::gid(&mut command, gid);
    }
    command
}

/// PostgreSQL refuses to run as root: then the user of that name, which its package makes, or nobody.
fn unprivileged_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let entry = |name: &str| {
        let fields: Vec<&str> = passwd.lines().find(|line| line.starts_with(&format!("{name}:")))?.split(':').collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    entry("postgres").or_else(|| entry("nobody"))
}

/// Where `initdb` and `postgres` are: where Debian keeps them, or on the path.
fn find_binaries() -> Option<PathBuf> {
    let on_path = std::env::split_paths(&std::env::var_os("PATH")?).collect::<Vec<_>>();
    let debian = std::fs::read_dir("/usr/lib/postgresql").ok();
    let debian = debian.into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let is_whole = |dir: &PathBuf| dir.join("initdb").is_file() && dir.join("postgres").is_file();
    debian.chain(on_path).find(is_whole)
}
