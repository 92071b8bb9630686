//! What several servers on one database promise together, each shown many times and counted.

mod devices;
mod endings;
mod ghosts;
mod servers;

use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Serialize;
use tokio::time::timeout;

use crate::chaos::{Restart, Rolling};
use crate::place::Where;
use crate::report;
use crate::socket::{Closed, Socket};

/// Longest wait for what is promised.
const PATIENCE: Duration = Duration::from_secs(10);
/// The code of a connection that was cut without one.
const CUT: u16 = 1006;

/// A promise of several servers.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum Promise {
    /// Logins that end at one server, with sockets at another
    Endings {
        #[command(flatten)]
        endings: endings::Endings,
        #[command(flatten)]
        own: Where,
    },
    /// Devices that open at two servers, and users with too many sockets at several
    Devices {
        #[command(flatten)]
        devices: devices::Openings,
        #[command(flatten)]
        own: Where,
    },
    /// Presence of users whose server is killed, and of those whose server is stopped
    Ghosts {
        #[command(flatten)]
        ghosts: ghosts::Ghosts,
        #[command(flatten)]
        own: Where,
    },
    /// A server followed by another one on the same listening socket, under phones that write
    Restart {
        #[command(flatten)]
        restart: Restart,
        #[command(flatten)]
        own: Where,
    },
    /// Servers stopped and started one after the other, under phones that write
    Rolling {
        #[command(flatten)]
        rolling: Rolling,
        #[command(flatten)]
        own: Where,
    },
}

impl Promise {
    pub(crate) async fn run(&self) -> Result<()> {
        match self {
            Self::Endings { endings, own } => judge(&Box::pin(endings.run(own)).await?),
            Self::Devices { devices, own } => judge(&Box::pin(devices.run(own)).await?),
            Self::Ghosts { ghosts, own } => judge(&Box::pin(ghosts.run(own)).await?),
            Self::Restart { restart, own } => Box::pin(restart.run(own)).await,
            Self::Rolling { rolling, own } => Box::pin(rolling.run(own)).await,
        }
    }
}

/// What was counted.
trait Verdict: Serialize + std::fmt::Display {
    /// Whether the promise was kept each time.
    fn holds(&self) -> bool;
}

fn judge(outcome: &impl Verdict) -> Result<()> {
    report::print(outcome)?;
    ensure!(outcome.holds(), "a promise was broken");
    Ok(())
}

/// Reads until a socket ends, and returns its close code; nothing when it is still open after `limit`.
async fn end_of(socket: &mut Socket, limit: Duration) -> Option<u16> {
    let reading = async {
        loop {
            if let Err(error) = drain(socket).await {
                break code_of(&error);
            }
        }
    };
    timeout(limit, reading).await.ok()
}

/// Reads what comes and forgets it.
async fn drain(socket: &mut Socket) -> Result<()> {
    while socket.next()?.is_some() {}
    socket.transfer().await
}

/// Returns with which code a socket was closed that cannot be read any more.
fn code_of(error: &anyhow::Error) -> u16 {
    error.downcast_ref::<Closed>().map_or(CUT, |closed| closed.code)
}
