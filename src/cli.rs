//! What the program says and understands on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use fluent_backend::config::Store;
use fluent_backend::{Config, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest wait for the server that is asked for its health.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

/// Self-hosted backend of an end-to-end-encrypted messenger.
#[derive(clap::Parser)]
#[command(version, about)]
pub(crate) struct Args {
    /// A TOML file with the settings that differ from the defaults.
    #[arg(long, global = true, value_name = "FILE", env = "FLUENT_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Run the server (the default).
    Serve,
    /// Bring the database's schema up to date, or see what is missing.
    Migrate {
        #[command(subcommand)]
        command: MigrateCommand,
    },
    /// See or check the settings that a start would use.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Look after the database while no server runs on it.
    Database {
        #[command(subcommand)]
        command: DatabaseCommand,
    },
    /// Ask the server on this machine whether it is ready; for containers.
    Healthcheck,
}

#[derive(clap::Subcommand)]
pub(crate) enum MigrateCommand {
    /// Apply what is missing.
    Up,
    /// List all migrations.
    Status,
}

#[derive(clap::Subcommand)]
pub(crate) enum DatabaseCommand {
    /// Say that it was restored from a backup: devices load their history anew instead of missing what the backup lacks.
    NewEpoch,
    /// Give the space of destroyed messages back to the file system (SQLite).
    Compact,
}

#[derive(clap::Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print all settings, secrets hidden.
    Show,
    /// Only say whether they are valid.
    Check,
}

/// One line on standard output.
#[expect(clippy::print_stdout, reason = "the program's own output")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// One line on standard error: the error and its causes.
#[expect(clippy::print_stderr, reason = "the program's own output")]
pub(crate) fn complain(error: &anyhow::Error) {
    let text = format!("{error:#}");
    eprintln!("fluent-backend: {}", text.split_whitespace().collect::<Vec<_>>().join(" "));
}

/// The kind of database and, for SQLite, its file; never a password.
pub(crate) fn describe_database(config: &Config) -> anyhow::Result<String> {
    Ok(match config.store()? {
        Store::Sqlite(path) => format!("SQLite, {}", path.display()),
        Store::Postgres(_) => "PostgreSQL".to_owned(),
    })
}

/// Where the server listens and what to try next.
pub(crate) fn greet(server: &Server, database: &str) {
    let (public, admin) = (server.addr(), server.admin_addr());
    say(&format!(
        "fluent-backend {} is running ({database})\n\
         \x20 clients    http://{public}   (interface: http://{public}/docs/)\n\
         \x20 operators  http://{admin}/metrics\n\
         Try:  curl http://{public}/root",
        env!("CARGO_PKG_VERSION"),
    ));
}

/// Success when `/readyz` of the server answers 200.
pub(crate) async fn healthcheck(listen: SocketAddr) -> anyhow::Result<ExitCode> {
    let ready = tokio::time::timeout(HEALTH_TIMEOUT, is_ready(reachable(listen)))
        .await
        .context("the server did not answer in time")?
        .with_context(|| format!("cannot ask the server on {listen}"))?;
    say(if ready { "ready" } else { "not ready" });
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn is_ready(addr: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(addr).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200 "))
}

/// A server that listens on all addresses is asked on the loopback one.
fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => ([127, 0, 0, 1], v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (std::net::Ipv6Addr::LOCALHOST, v6.port()).into(),
        other => other,
    }
}
