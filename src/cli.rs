//! What the program says and understands on the command line.

mod health;
mod progress;
mod upkeep;

use std::path::PathBuf;

use fluent_backend::config::Store;
use fluent_backend::{Config, Server};

pub(crate) use health::healthcheck;
pub(crate) use upkeep::{backup, copy_db, database, restore};

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
    /// Write the SQLite database, as it is at this moment, into a file; a server may go on writing.
    Backup {
        /// The new file, or a directory, in which it is named by the time.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Put a backup in the place of the SQLite database, under a new epoch: devices load their history anew instead of missing
    /// what the backup lacks.
    Restore {
        /// What `backup` has made.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// Also when a database is there; it is kept beside it under another name.
        #[arg(long)]
        force: bool,
    },
    /// Copy all there is into a new database, SQLite or PostgreSQL, while no server runs on either: ids, order and epoch stay.
    CopyDb {
        /// The database that is copied. In the environment no other user of this machine sees its password.
        #[arg(long, value_name = "URL", env = "FLUENT_COPY_FROM", hide_env_values = true)]
        from: String,
        /// A SQLite file that does not exist yet, or a PostgreSQL database that holds nothing.
        #[arg(long, value_name = "URL", env = "FLUENT_COPY_TO", hide_env_values = true)]
        to: String,
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
    /// Say that it was restored from a backup by other means than `restore`: devices load their history anew instead of missing
    /// what the backup lacks, and ids that were lost are not given again.
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
