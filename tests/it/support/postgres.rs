//! A PostgreSQL server of a test's own, from the installed binaries.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use fluent_backend::testing::eventually;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// A throw-away cluster that is reached by a Unix socket and gone with this value.
pub(crate) struct Postgres {
    server: Child,
    dir: TempDir,
    bin: PathBuf,
}

impl Postgres {
    /// Starts a cluster. Without the binaries a person's test run says so and goes on; CI fails.
    pub(crate) async fn start() -> Option<Self> {
        let Some(bin) = find_binaries() else {
            assert!(std::env::var_os("CI").is_none(), "PostgreSQL is not installed, and CI requires it");
            eprintln!("SKIPPED: PostgreSQL (initdb, postgres) is not installed, so nothing was tested on it");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        std::fs::create_dir(&data).unwrap();
        if let Some((uid, gid)) = unprivileged_user() {
            std::os::unix::fs::chown(dir.path(), Some(uid), Some(gid)).unwrap();
            std::os::unix::fs::chown(&data, Some(uid), Some(gid)).unwrap();
        }
        let options = ["--username=fluent", "--auth=trust", "--encoding=UTF8", "--no-sync", "--pgdata"];
        let made = program(&bin, "initdb").args(options).arg(&data).status().await.unwrap();
        assert!(made.success(), "initdb failed");
        let cluster = Self { server: serve(&bin, dir.path()), dir, bin };
        let db = cluster.ready().await;
        sea_orm::ConnectionTrait::execute_unprepared(&db, "CREATE DATABASE fluent").await.unwrap();
        Some(cluster)
    }

    /// Stops it at once, as a crash would.
    pub(crate) async fn crash(&mut self) {
        self.server.kill().await.unwrap();
    }

    /// Starts it again after a crash.
    pub(crate) async fn restart(&mut self) {
        self.server = serve(&self.bin, self.dir.path());
        self.ready().await;
    }

    async fn ready(&self) -> sea_orm::DatabaseConnection {
        let connected = async || sea_orm::Database::connect(self.url("postgres")).await.ok();
        eventually("PostgreSQL accepts connections", connected).await
    }

    /// The URL of a database of this cluster.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://fluent@localhost/{database}?host={}", self.dir.path().display())
    }
}

/// A program of PostgreSQL, as a user it accepts.
fn program(bin: &Path, name: &str) -> Command {
    let mut command = Command::new(bin.join(name));
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    if let Some((uid, gid)) = unprivileged_user() {
        command.uid(uid).gid(gid);
    }
    command
}

fn serve(bin: &Path, dir: &Path) -> Child {
    program(bin, "postgres")
        .arg("-D")
        .arg(dir.join("data"))
        .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60", "-c"])
        .arg(format!("unix_socket_directories={}", dir.display()))
        .spawn()
        .unwrap()
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

/// Where `initdb` and `postgres` are: on the path, or where Debian keeps them.
fn find_binaries() -> Option<PathBuf> {
    let on_path = std::env::split_paths(&std::env::var_os("PATH")?).collect::<Vec<_>>();
    let debian = std::fs::read_dir("/usr/lib/postgresql").ok();
    let debian = debian.into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let whole = |dir: &Path| dir.join("initdb").is_file() && dir.join("postgres").is_file();
    debian.chain(on_path).find(|dir| whole(dir))
}
