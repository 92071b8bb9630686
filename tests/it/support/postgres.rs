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
        let owner = unprivileged_user();
        if let Some((uid, gid)) = owner {
            std::os::unix::fs::chown(dir.path(), Some(uid), Some(gid)).unwrap();
            std::os::unix::fs::chown(&data, Some(uid), Some(gid)).unwrap();
        }
        let program = |name: &str| {
            let mut command = Command::new(bin.join(name));
            command
                .current_dir("/")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .kill_on_drop(true);
            if let Some((uid, gid)) = owner {
                command.uid(uid).gid(gid);
            }
            command
        };
        let options = ["--username=fluent", "--auth=trust", "--encoding=UTF8", "--no-sync", "--pgdata"];
        let made = program("initdb").args(options).arg(&data).status().await.unwrap();
        assert!(made.success(), "initdb failed");
        let server = program("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=50"])
            .arg("-c")
            .arg(format!("unix_socket_directories={}", dir.path().display()))
            .spawn()
            .unwrap();
        let cluster = Self { server, dir };
        let ready = async || sea_orm::Database::connect(cluster.url("postgres")).await.ok();
        let db = eventually("PostgreSQL accepts connections", ready).await;
        sea_orm::ConnectionTrait::execute_unprepared(&db, "CREATE DATABASE fluent").await.unwrap();
        Some(cluster)
    }

    /// The URL of a database of this cluster.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://fluent@localhost/{database}?host={}", self.dir.path().display())
    }

    /// Stops it at once.
    pub(crate) async fn stop(mut self) {
        self.server.kill().await.unwrap();
    }
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
