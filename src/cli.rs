//! The command line: arguments, and what the program prints.

mod admin;
mod browser;
mod check;
mod demo;
mod doctor;
mod greeting;
mod health;
mod http;
mod keys;
mod manual;
mod output;
mod progress;
mod push;
mod service_manager;
mod signals;
mod supervised;
mod upkeep;
mod web;

use std::path::PathBuf;

use clap_complete::Shell;

use fluent_backend::version;

pub(crate) use admin::{AdminArgs, MediaCommand, admin, media};
pub(crate) use check::check;
pub(crate) use demo::{DemoArgs, demo};
pub(crate) use doctor::{DoctorArgs, doctor};
pub(crate) use greeting::{describe_database, greet};
pub(crate) use health::healthcheck;
pub(crate) use keys::keys;
pub(crate) use manual::{completions, manual};
pub(crate) use output::{complain, note, one_line, say};
pub(crate) use push::push;
pub(crate) use service_manager::{Starting, inherited, say_stopping};
pub(crate) use signals::{ServerSignal, ServerSignals};
pub(crate) use supervised::Supervised;
pub(crate) use upkeep::{backup, copy_db, database, migrate_contract, migrate_up, migration_status, restore};
pub(crate) use web::{AppArgs, WebCommand, app, web};

/// Self-hosted backend of an end-to-end-encrypted messenger.
#[derive(clap::Parser)]
#[command(version = version::described(), about)]
pub(crate) struct Args {
    /// A TOML file with the settings that differ from the defaults.
    #[arg(long, global = true, value_name = "FILE", env = "FLUENT_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Program(ProgramCommand),
    #[command(flatten)]
    Client(ClientCommand),
    #[command(flatten)]
    Server(ServerCommand),
}

/// What is about this program, and needs no settings.
#[derive(clap::Subcommand)]
pub(crate) enum ProgramCommand {
    /// Print what makes a shell complete commands and options: fluent-backend completions bash >
    /// ~/.local/share/bash-completion/completions/fluent-backend
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write the pages for man, one for each command.
    Manual {
        /// A directory that is there, such as /usr/local/share/man/man1.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
}

/// What is about the web client, and needs no settings.
#[derive(clap::Subcommand)]
pub(crate) enum ClientCommand {
    /// Try it: a server that forgets everything at its end, with a partner that writes back, in your browser.
    Demo(DemoArgs),
    /// Serve the web client of this program on this machine, for a server elsewhere.
    App(AppArgs),
    /// See which web client this program holds, and which one a server serves.
    Web {
        #[command(subcommand)]
        command: WebCommand,
    },
}

/// What is about the server that the settings are for.
#[derive(clap::Subcommand)]
pub(crate) enum ServerCommand {
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
    /// Put a backup in the place of the SQLite database, under a new epoch: devices load their history anew instead of
    /// missing what the backup lacks.
    Restore {
        /// What `backup` has made.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// Also when a database is there; it is kept beside it under another name.
        #[arg(long)]
        force: bool,
    },
    /// Copy all there is into a new database, SQLite or PostgreSQL, while no server runs on either: ids, order and
    /// epoch stay.
    CopyDb {
        /// The database that is copied. In the environment no other user of this machine sees its password.
        #[arg(long, value_name = "URL", env = "FLUENT_COPY_FROM", hide_env_values = true)]
        from: String,
        /// A SQLite file that does not exist yet, or a PostgreSQL database that holds nothing.
        #[arg(long, value_name = "URL", env = "FLUENT_COPY_TO", hide_env_values = true)]
        to: String,
        /// Also while servers seem to use one of the two; what they store meanwhile may be missing.
        #[arg(long)]
        force: bool,
    },
    /// Look at what the server keeps, and change it, whether it runs or not.
    Admin(AdminArgs),
    /// Look after the files of users, at a running server or while none runs.
    Media {
        #[command(subcommand)]
        command: MediaCommand,
    },
    /// Look at the keys that sign access tokens, or change them; a server that runs notices it within seconds.
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Look at how devices are woken.
    Push {
        #[command(subcommand)]
        command: PushCommand,
    },
    /// Look for what keeps the server from running, or from running well and safely, and say what mends it. Ends with 0
    /// when all is well, with 1 after warnings, and with 2 after errors.
    Doctor(DoctorArgs),
    /// Ask the server on this machine whether it is ready; for containers.
    Healthcheck,
}

#[derive(clap::Subcommand)]
pub(crate) enum MigrateCommand {
    /// Apply what is missing.
    Up,
    /// Remove what only older versions need, once all servers have this version. The servers may run meanwhile.
    Contract,
    /// List all migrations.
    Status,
}

#[derive(clap::Subcommand)]
pub(crate) enum DatabaseCommand {
    /// Say that it was restored from a backup by other means than `restore`: devices load their history anew instead of
    /// missing what the backup lacks, and ids that were lost are not given again.
    NewEpoch {
        /// Also while servers use it: they notice, and close all sockets.
        #[arg(long)]
        force: bool,
    },
    /// Say that the secret of the servers on a PostgreSQL database is lost: the next one that starts brings a new one.
    ForgetSecret,
    /// Say that the instance key is lost: the next server that starts brings a new one.
    ForgetInstanceKey,
    /// Give the space of destroyed messages back to the file system (SQLite).
    Compact,
}

#[derive(clap::Subcommand)]
pub(crate) enum KeysCommand {
    /// List the keys whose tokens are accepted: id, algorithm, state, and until when.
    List {
        /// As JSON, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Let the next EdDSA key sign, accept the tokens of the present one until they expire, and make a new next one.
    Rotate,
    /// Drop an EdDSA key: its tokens are refused at once, and phones get new ones. The present one is rotated first.
    Revoke {
        /// Its id, as `keys list` shows it.
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
}

#[derive(clap::Subcommand)]
pub(crate) enum PushCommand {
    /// The key by which services of Web Push know this server.
    Vapid {
        #[command(subcommand)]
        command: VapidCommand,
    },
}

#[derive(clap::Subcommand)]
pub(crate) enum VapidCommand {
    /// Print the public key, which browsers subscribe with.
    Show,
    /// Make a new key. All subscriptions are lost.
    Rotate {
        /// Really.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(clap::Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print all settings; secrets, and user and password of the database, are hidden.
    Show,
    /// Say whether they are valid, and warn of what would keep a server from starting or from being safe.
    Check,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::Args;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Args::command().debug_assert();
    }

    #[test]
    fn what_programs_and_people_have_named_may_begin_with_a_hyphen() {
        for command in [
            "keys revoke -kPrK_qmxVWaYVA9",
            "keys revoke -hV--tcYVA9wwBF6",
            "admin token revoke -a1",
            "admin user show -bob",
            "admin user delete -bob --yes",
            "admin push test -bob --phone",
            "admin limiter refill login.account -bob",
        ] {
            let parsed = Args::try_parse_from(["fluent-backend"].into_iter().chain(command.split(' ')));
            assert!(parsed.is_ok(), "{command}: {}", parsed.err().map(|error| error.to_string()).unwrap_or_default());
        }
        let mistaken = ["fluent-backend", "admin", "user", "delete", "--yes"];
        assert!(Args::try_parse_from(mistaken).is_err(), "a known flag remains a flag");
    }
}
