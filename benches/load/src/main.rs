//! Drives a running server over real sockets, and says what it did and what it cost.

mod child;
mod client;
mod clock;
mod compare;
mod http;
mod latency;
mod letter;
mod process;
mod progress;
mod reference;
mod relay;
mod report;
mod seed;
mod socket;
mod tally;
mod target;
mod token;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

use target::{Target, Where};

/// The server's allocator; also for what it is compared with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Loads a fluent-backend over real sockets, and prints what it did and what it cost: a line for people and a line of JSON for
/// each result.
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
        #[command(flatten)]
        place: Where,
    },
    /// The server and a bare relay in turn, under the same load
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
        Command::Relay { relay, place } => {
            let target = Target::server(&place, relay.accounts(), relay.dialect).await?;
            report::print(&relay.run(&target).await?)
        }
        Command::Compare(compare) => compare.run().await,
        Command::Reference(reference) => reference.run().await,
    }
}
