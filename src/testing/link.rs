//! A proxy between a server and its PostgreSQL that can stall, cut connections, cut exactly at a `COMMIT`, and count
//! the round trips of transactions that hold the row of `store`.

mod line;
mod session;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::testing::Direction;
use line::{Hold, Line, lock};
pub use session::HeldTransaction;

/// The moment at which a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitCut {
    /// Before the `COMMIT`, which does not get through.
    Before,
    /// After the `COMMIT`, whose result does not get back.
    After,
}

/// A proxy in front of PostgreSQL. Runs until it is dropped.
#[derive(Debug)]
pub struct DatabaseLink {
    addr: SocketAddr,
    line: Arc<Line>,
    accepting: JoinHandle<()>,
}

impl DatabaseLink {
    /// Makes a link to the database at this Unix socket, such as `/tmp/x/.s.PGSQL.5432`.
    pub async fn to(upstream: PathBuf) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let line = Arc::new(Line::to(upstream));
        let of_connections = line.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let line = of_connections.clone();
                tokio::spawn(async move { line.serve(client).await });
            }
        });
        Ok(Self { addr, line, accepting })
    }

    /// Returns the URL of a database behind this link.
    #[must_use]
    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@{}/{database}", self.addr)
    }

    /// Leads new connections to another database, at this Unix socket.
    pub fn lead_to(&self, upstream: PathBuf) {
        *lock(&self.line.upstream) = upstream;
    }

    /// Ends all connections. New ones work.
    pub fn cut(&self) {
        self.line.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Lets nothing through from now on; connections stay open, and new ones are accepted.
    pub fn stall(&self) {
        self.line.hold_below(usize::MAX);
    }

    /// Lets nothing through in this direction from now on, as [`stall`](Self::stall) does in both.
    pub fn stall_only(&self, direction: Direction) {
        self.line.held_below(direction).send_replace(usize::MAX);
    }

    /// Lets nothing through on the connections that are open now, without closing them; new ones work. So it is after a
    /// failover, or when a firewall has lost its state.
    pub fn strand(&self) {
        self.line.hold_below(self.line.opened.load(Ordering::Relaxed));
    }

    /// Lets everything through again, beginning with what was held up.
    pub fn flow(&self) {
        self.line.hold_below(0);
    }

    /// Lets each answer of the database come so much later from now on.
    pub fn slow_down(&self, delay: Duration) {
        *lock(&self.line.delay) = delay;
    }

    /// Waits for a transaction that has locked the row of `store`, and lets its client hear nothing more until the
    /// returned value is dropped. So a server can be stopped inside a batch.
    pub async fn hold_batch(&self) -> HeldBatch {
        // Made first: the trap goes with it, even when nobody waits any longer.
        let held = HeldBatch(self.line.clone());
        self.line.batches.send_replace(Hold::Next);
        let mut batches = self.line.batches.subscribe();
        // The sender is in the line.
        let _ = batches.wait_for(|hold| *hold == Hold::Held).await;
        held
    }

    /// Cuts the connection of the next `COMMIT` of a transaction that has locked the row of `store`, or of the next
    /// statement that is such a transaction alone. Others, as those of the audit log, may come at any time.
    pub fn cut_next_commit(&self, place: CommitCut) {
        self.line.traps.send_replace(Some(place));
    }

    /// Returns how often a client has asked for what [`cut_next_commit`](Self::cut_next_commit) cuts, whether it got
    /// through or not.
    #[must_use]
    pub fn commits_asked(&self) -> usize {
        self.line.commits_asked.load(Ordering::Relaxed)
    }

    /// Returns how often a `COMMIT` was cut.
    #[must_use]
    pub fn commits_cut(&self) -> usize {
        self.line.commits_cut.load(Ordering::Relaxed)
    }

    /// Records from now on the transactions that hold the row of `store`, for [`take_held`](Self::take_held).
    pub fn record_held(&self) {
        lock(&self.line.held).get_or_insert_default();
    }

    /// Returns those that have ended since the last call, in the order of their ends.
    #[must_use]
    pub fn take_held(&self) -> Vec<HeldTransaction> {
        lock(&self.line.held).as_mut().map(std::mem::take).unwrap_or_default()
    }
}

/// A transaction that holds the row of `store`, and whose client hears nothing more. Dropping this lets it go on.
#[derive(Debug)]
pub struct HeldBatch(Arc<Line>);

impl Drop for HeldBatch {
    fn drop(&mut self) {
        self.0.batches.send_replace(Hold::Off);
    }
}

impl Drop for DatabaseLink {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}
