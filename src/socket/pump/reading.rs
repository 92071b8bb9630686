//! The state of reading: a socket is read only with credit, and with room for what was read last.

use std::pin::Pin;

use crate::actors::{Credit, Credits, SocketLease};
use crate::domain::Command;
use crate::protocol::v1::Context;

/// The state of reading.
pub(super) enum Reading {
    /// The socket waits for credit.
    Waiting,
    /// The socket may be read.
    Ready(Credit),
    /// The socket waits for room for what was read last.
    Filling(Pin<Box<dyn Future<Output = Filled> + Send>>),
}

/// A command that may enter a mailbox.
pub(super) struct Filled {
    pub(super) command: Command,
    pub(super) context: Context,
    pub(super) credit: Credit,
}

/// Waits for the next step towards reading, and takes it. Cancel-safe.
pub(super) async fn progress(reading: &mut Reading, credits: &Credits, session: &SocketLease) {
    *reading = match reading {
        Reading::Waiting => Reading::Ready(credits.reserve().await),
        Reading::Filling(room) => {
            let Filled { command, context, credit } = room.await;
            session.submit(command, context, credit);
            Reading::Waiting
        }
        Reading::Ready(_) => std::future::pending().await,
    };
}
