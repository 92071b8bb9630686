//! Drives a running server over real sockets, and says what it did and what it cost.

mod bystanders;
mod carrier;
mod chaos;
mod chat_list;
mod child;
mod client;
mod clock;
mod cluster;
mod compare;
mod costs;
mod crowd;
mod database;
mod delayed;
mod deleted;
mod fanout;
mod frame;
mod growth;
mod history;
mod host;
mod http;
mod idle;
mod keys;
mod latency;
mod login;
mod marked_frame;
mod media;
mod memory;
mod mixed;
mod outbox;
mod phone;
mod place;
mod process;
mod progress;
mod promises;
mod random;
mod reference;
mod relay;
mod report;
mod report_token;
mod requests;
mod running;
mod scrape;
mod search;
mod seed;
mod socket;
mod stock;
mod storm;
mod stuffing;
mod tally;
mod target;
mod timing;
mod tls;
mod token;
mod traffic;
mod unread;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

use marked_frame::Dialect;
use place::Where;
use running::Running;
use target::Target;

/// The server's allocator; also for what it is compared with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Loads a fluent-backend over real sockets, and prints what it did and what it cost: a line for people and a line of
/// JSON for each result.
#[derive(clap::Parser)]
#[command(version, about)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Pairs of users, of whom one writes to the other
    Relay {
        #[command(flatten)]
        relay: relay::Relay,
        /// The wire that is spoken; by default legacy, with --receipts v1
        #[arg(long, value_enum)]
        dialect: Option<Dialect>,
        #[command(flatten)]
        own: Where,
        #[command(flatten)]
        running: Running,
    },
    /// One user with many sockets, to whom a partner writes
    Fanout {
        #[command(flatten)]
        fanout: fanout::Fanout,
        #[command(flatten)]
        own: Where,
        #[command(flatten)]
        running: Running,
    },
    /// Many sockets that do nothing
    Idle {
        #[command(flatten)]
        idle: idle::Idle,
        #[command(flatten)]
        own: Where,
        #[command(flatten)]
        running: Running,
    },
    /// How long the metrics of a server with many sockets take
    Scrape {
        #[command(flatten)]
        scrape: scrape::Scrape,
        #[command(flatten)]
        own: Where,
        #[command(flatten)]
        running: Running,
    },
    /// Pages of history at random places of long conversations
    History {
        #[command(flatten)]
        history: history::History,
        #[command(flatten)]
        own: Where,
    },
    /// The list of conversations of people who have many
    #[command(name = "chat_list")]
    ChatList {
        #[command(flatten)]
        chat_list: chat_list::ChatList,
        #[command(flatten)]
        own: Where,
    },
    /// Pages of every kind from a large store, against those from a small one
    Growth {
        #[command(flatten)]
        growth: growth::Growth,
        #[command(flatten)]
        own: Where,
    },
    /// Pages of somebody who has deleted many messages, against those of somebody who has not
    Deleted {
        #[command(flatten)]
        deleted: deleted::Deletions,
        #[command(flatten)]
        own: Where,
    },
    /// Connections of one account that ask for lists and do not read them
    Unread {
        #[command(flatten)]
        unread: unread::Unread,
        #[command(flatten)]
        own: Where,
    },
    /// Searches among many users
    Search {
        #[command(flatten)]
        search: search::Search,
        #[command(flatten)]
        own: Where,
    },
    /// Logins, and what they do to the messages of others
    Login {
        #[command(flatten)]
        login: login::Login,
        #[command(flatten)]
        own: Where,
    },
    /// Guesses of passwords from many addresses, and what they do to the owner and to messages
    Stuffing {
        #[command(flatten)]
        stuffing: stuffing::Stuffing,
        #[command(flatten)]
        own: Where,
    },
    /// Phones behind one address whose tokens have expired, while the server is started again
    Carrier {
        #[command(flatten)]
        carrier: carrier::Carrier,
        #[command(flatten)]
        own: Where,
    },
    /// What a million addresses and a million names cost in the table of limiters, in the tool itself
    Keys(keys::Keys),
    /// Files: speed against a bare server and nginx, memory, and what transfers do to messages
    Media {
        #[command(flatten)]
        media: media::Media,
        #[command(flatten)]
        own: Where,
    },
    /// Handshakes of TLS at the server, against a bare acceptor with the same library
    Tls {
        #[command(flatten)]
        tls: tls::Tls,
        #[command(flatten)]
        own: Where,
    },
    /// How long it takes to learn that a password is wrong, against that nobody has the name
    Timing {
        #[command(flatten)]
        timing: timing::Timing,
        #[command(flatten)]
        own: Where,
    },
    /// What report tokens cost, as a part of what messages cost
    #[command(name = "report_token")]
    ReportToken {
        #[command(flatten)]
        report_token: report_token::ReportToken,
        #[command(flatten)]
        own: Where,
    },
    /// Thousands of devices that were away and return at once
    Storm {
        #[command(flatten)]
        storm: storm::Storm,
        #[command(flatten)]
        own: Where,
        #[command(flatten)]
        running: Running,
    },
    /// A day in the life of many users
    Mixed {
        #[command(flatten)]
        mixed: mixed::Mixed,
        #[command(flatten)]
        own: Where,
        #[command(flatten)]
        running: Running,
    },
    /// Phones that must lose nothing while the server, the clients, the database and the ways between them break
    Chaos(chaos::Chaos),
    /// Several servers on one PostgreSQL, against one: messages within a server and between servers
    Cluster {
        #[command(flatten)]
        cluster: cluster::Cluster,
        #[command(flatten)]
        own: Where,
    },
    /// What several servers promise together: each promise many times, and how often it was broken
    Promises {
        #[command(subcommand)]
        promise: promises::Promise,
    },
    /// The server and a bare relay, or another build of the server, in turn under the same load
    Compare(compare::Compare),
    /// The bare relay itself, which `compare` starts
    #[command(hide = true)]
    Reference(reference::Reference),
}

fn main() -> ExitCode {
    match run(Args::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&format!("fluent-load: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    clock::now();
    allow_many_files()?;
    // The reference runs as our server does; the tool takes one core at most.
    let mut runtime = match command {
        Command::Reference(_) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    runtime.enable_all().build().context("cannot start the runtime")?.block_on(async {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            done = Box::pin(perform(command)) => done,
            // What was started and made is gone when `perform` is dropped.
            _ = interrupt.recv() => bail!("interrupted"),
            _ = terminate.recv() => bail!("terminated"),
        }
    })
}

async fn perform(command: Command) -> Result<()> {
    match command {
        Command::Relay { relay, dialect, own, running } => {
            let dialect = relay.dialect(dialect)?;
            let target = target(&own, &running, relay.accounts(), dialect).await?;
            report::print(&relay.run(&target, dialect).await?)
        }
        Command::Fanout { fanout, own, running } => {
            let target = target(&own, &running, fanout::Fanout::ACCOUNTS, fanout.dialect).await?;
            report::print(&fanout.run(&target).await?)
        }
        Command::Idle { idle, own, running } => {
            let target = target(&own, &running, idle.sockets, idle.dialect).await?;
            report::print(&idle.run(&target).await?)
        }
        Command::Scrape { scrape, own, running } => {
            let target = target(&own, &running, scrape.sockets, scrape.dialect).await?;
            let outcome = scrape.run(&target).await?;
            report::print(&outcome)?;
            ensure!(outcome.holds(), "the metrics take too long");
            Ok(())
        }
        Command::History { history, own } => report::print(&history.run(&own.place(false).await?).await?),
        Command::ChatList { chat_list, own } => report::print(&chat_list.run(&own.place(false).await?).await?),
        Command::Growth { growth, own } => report::print(&growth.run(&own.place(false).await?).await?),
        Command::Deleted { deleted, own } => report::print(&deleted.run(&own.place(false).await?).await?),
        Command::Unread { unread, own } => report::print(&unread.run(&own.place(false).await?).await?),
        Command::Search { search, own } => report::print(&search.run(&own.place(false).await?).await?),
        Command::Login { login, own } => report::print(&login.run(&own.place(false).await?).await?),
        Command::Stuffing { stuffing, own } => {
            let outcome = stuffing.run(&own.place(false).await?).await?;
            report::print(&outcome)?;
            ensure!(outcome.holds(), "guesses slow others down too much");
            Ok(())
        }
        Command::Keys(keys) => report::print(&keys.run()?),
        Command::Media { media, own } => report::print(&Box::pin(media.run(&own.place(false).await?)).await?),
        Command::Tls { tls, own } => report::print(&tls.run(&own.place(false).await?).await?),
        Command::Timing { timing, own } => report::print(&timing.run(&own.place(false).await?).await?),
        Command::ReportToken { report_token, own } => {
            let outcome = report_token.run(&own.place(false).await?).await?;
            report::print(&outcome)?;
            ensure!(outcome.holds(), "report tokens cost too much");
            Ok(())
        }
        Command::Carrier { carrier, own } => {
            let outcome = Box::pin(carrier.run(&own.place(false).await?)).await?;
            report::print(&outcome)?;
            ensure!(outcome.holds(), "somebody was refused, or not back in time");
            Ok(())
        }
        Command::Storm { storm, own, running } => {
            let target = target(&own, &running, storm.accounts(), Dialect::V1).await?;
            report::print(&storm.run(&target).await?)
        }
        Command::Mixed { mixed, own, running } => {
            let target = target(&own, &running, mixed.users, Dialect::V1).await?;
            report::print(&mixed.run(&target).await?)
        }
        Command::Chaos(chaos) => {
            let outcome = Box::pin(chaos.run()).await?;
            report::print(&outcome)?;
            ensure!(outcome.holds(), "a promise was broken");
            Ok(())
        }
        Command::Cluster { cluster, own } => Box::pin(cluster.run(&own)).await,
        Command::Promises { promise } => Box::pin(promise.run()).await,
        Command::Compare(compare) => compare.run().await,
        Command::Reference(reference) => reference.run().await,
    }
}

/// The server that runs, or one of the tool's own.
async fn target(own: &Where, running: &Running, accounts: u32, dialect: Dialect) -> Result<Target> {
    match running.url {
        Some(addr) => running.target(addr, accounts).await,
        None => own.place(false).await?.server(accounts, dialect).await,
    }
}

/// Each socket is an open file, and there may be thousands.
fn allow_many_files() -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).context("cannot raise the limit of files")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_sound() {
        super::Args::command().debug_assert();
    }
}
