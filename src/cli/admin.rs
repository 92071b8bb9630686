//! `fluent-backend admin`: what operators look at and change, at a running server or, while none runs, in its store.
//!
//! Every command is a request of the admin API. A command has a file of its own with its arguments, its requests, and
//! the text that people read.

mod address;
mod api;
mod audit;
mod database;
mod duration;
mod failure;
mod glance;
mod invite;
mod limiter;
mod log;
mod media;
mod names;
mod open;
mod process;
mod push;
mod registration;
mod remote;
mod report;
mod socket;
mod table;
mod token;
mod top;
mod units;
mod user;

use std::process::ExitCode;

use fluent_backend::Config;
use serde_json::Value;

use super::{note, say};
pub(super) use api::Api;
pub(super) use failure::Failure;
pub(crate) use media::{MediaCommand, media};

/// The command, and the form of what it prints.
#[derive(clap::Args)]
pub(crate) struct AdminArgs {
    /// Print the JSON of the admin API, one object, for programs.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    remote: remote::RemoteArgs,
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(clap::Subcommand)]
enum AdminCommand {
    /// List the accounts whose names would not be accepted as new ones: id, name and reason. What is not ASCII in a
    /// name is written as an escape, so that nothing deceives.
    Names,
    /// The running server at a glance: whether it can be used, what it does, and how near it is to its limits.
    Overview,
    /// The actors of the running server: whether each works, and what waits for it.
    Actors,
    /// Follow the running server: the same two again and again, until Ctrl-C.
    Top(top::Arguments),
    /// The open sockets of the running server.
    Socket {
        #[command(subcommand)]
        command: socket::SocketCommand,
    },
    /// See or switch who may register.
    Registration(registration::Arguments),
    /// Invites: who may register while not everybody may.
    Invite {
        #[command(subcommand)]
        command: invite::InviteCommand,
    },
    /// Limits on rates: which keys are refused most often, filling a bucket, and limits of single users.
    Limiter {
        #[command(subcommand)]
        command: limiter::LimiterCommand,
    },
    /// Accounts: find one, end its sessions, disable or delete it, or reset what its owner signs in with.
    User {
        #[command(subcommand)]
        command: user::UserCommand,
    },
    /// Reports: messages that users have reported.
    Report {
        #[command(subcommand)]
        command: report::ReportCommand,
    },
    /// The tables of the store.
    Database {
        #[command(subcommand)]
        command: database::DatabaseCommand,
    },
    /// The log of a running server: its filter, and its last warnings and errors.
    Log {
        #[command(subcommand)]
        command: log::LogCommand,
    },
    /// Stop the running server in order, as SIGTERM does: sockets are closed over the window, messages are written, and
    /// the process ends.
    Drain(process::DrainArguments),
    /// Print a link that signs a browser in at the operators' page of the running server: once, within a minute.
    Open(open::Arguments),
    /// Have the running server read its files anew, as SIGHUP does: certificate, keys, rules about addresses. Says what
    /// has changed, and which settings need a restart.
    Reload,
    /// The settings that hold, and where each was read: of the running server, or else those of a start now.
    Config(process::ConfigArguments),
    /// Files of users: how many there are, and whether the disk has them.
    Media {
        #[command(subcommand)]
        command: media::AdminMediaCommand,
    },
    /// Waking devices: the state of the providers, and why a device was woken for a message or was not.
    Push {
        #[command(subcommand)]
        command: push::PushCommand,
    },
    /// Which networks may come in: rules, and bans of the server's own.
    Address {
        #[command(subcommand)]
        command: address::AddressCommand,
    },
    /// Tokens by which programs, and these commands on other machines, reach the admin API.
    Token {
        #[command(subcommand)]
        command: token::TokenCommand,
    },
    /// The audit log: logins, changes of accounts, and what operators have changed.
    Audit {
        #[command(subcommand)]
        command: audit::AuditCommand,
    },
}

impl AdminCommand {
    /// Returns whether it looks for files that are lost.
    fn compares_files(&self) -> bool {
        matches!(self, Self::Media { command: media::AdminMediaCommand::Reconcile { .. } })
    }
}

/// What a command shows: the JSON of the API, and the same for people.
struct Shown {
    json: Value,
    text: String,
}

/// Carries out a command. Exit codes: 0 done, 1 refused or not found, or files are lost, 3 no server or store is
/// reached, 4 not allowed; 2, wrong arguments, comes from the parser.
pub(crate) async fn admin(config: &Config, args: AdminArgs) -> anyhow::Result<ExitCode> {
    let compares_files = args.command.compares_files();
    let shown = match args.command {
        AdminCommand::Names => names::run(config).await,
        AdminCommand::Config(arguments) => process::settings(config, args.remote, arguments).await,
        AdminCommand::Top(arguments) => Box::pin(top::run(config, args.remote, arguments, args.json)).await,
        command => Box::pin(at_the_api(config, args.remote, command)).await,
    };
    match shown {
        Ok(shown) => {
            // An export has printed its lines already.
            if !shown.json.is_null() {
                say(if args.json { shown.json.to_string() } else { shown.text }.trim_end());
            }
            Ok(if compares_files { media::code(&shown.json) } else { ExitCode::SUCCESS })
        }
        Err(failure) => {
            note(&if args.json { failure.json().to_string() } else { format!("fluent-backend: {failure}") });
            Ok(failure.code())
        }
    }
}

async fn at_the_api(config: &Config, remote: remote::RemoteArgs, command: AdminCommand) -> Result<Shown, Failure> {
    let page = open::page(config, &remote);
    let mut api = match &command {
        AdminCommand::Overview
        | AdminCommand::Actors
        | AdminCommand::Socket { .. }
        | AdminCommand::Drain(_)
        | AdminCommand::Open(_)
        | AdminCommand::Reload => Api::running(config, remote).await?,
        _ => Api::reach(config, remote).await?,
    };
    let shown = match command {
        // It needs no server.
        AdminCommand::Names => names::run(config).await,
        // They keep connections of their own.
        AdminCommand::Top(_) | AdminCommand::Config(_) => Ok(Shown { json: Value::Null, text: String::new() }),
        AdminCommand::Drain(arguments) => process::drain(&mut api, &arguments).await,
        AdminCommand::Reload => process::reload(&mut api).await,
        AdminCommand::Open(arguments) => open::run(&mut api, &page, &arguments).await,
        AdminCommand::Overview => glance::overview(&mut api).await,
        AdminCommand::Actors => glance::actors(&mut api).await,
        AdminCommand::Socket { command } => socket::run(&mut api, command).await,
        AdminCommand::Registration(arguments) => registration::run(&mut api, arguments).await,
        AdminCommand::Address { command } => address::run(&mut api, command).await,
        AdminCommand::Audit { command } => audit::run(&mut api, command).await,
        AdminCommand::Database { command } => database::run(&mut api, command).await,
        AdminCommand::Log { command } => log::run(&mut api, command).await,
        AdminCommand::Media { command } => media::run(&mut api, command).await,
        AdminCommand::Push { command } => push::run(&mut api, command).await,
        AdminCommand::Report { command } => report::run(&mut api, command).await,
        AdminCommand::Invite { command } => invite::run(&mut api, command).await,
        AdminCommand::Limiter { command } => limiter::run(&mut api, command).await,
        AdminCommand::Token { command } => token::run(&mut api, command).await,
        AdminCommand::User { command } => user::run(&mut api, command).await,
    };
    let closed = api.close().await;
    let shown = shown?;
    closed.map(|()| shown)
}
