//! The server under load.

use std::net::SocketAddr;
use std::sync::Arc;

use fluent_backend::testing::Postgres;
use tempfile::TempDir;

use crate::child::Child;
use crate::database::Database;

/// An account that can connect.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: i32,
    pub(crate) token: String,
}

/// A server under load. Everything that was started and made for it is removed on drop.
pub(crate) struct Target {
    /// Its name and its kind of database.
    pub(crate) name: String,
    pub(crate) addr: SocketAddr,
    /// The address of its metrics, if known.
    pub(crate) admin: Option<SocketAddr>,
    /// Its process id, if it runs on this machine.
    pub(crate) pid: Option<u32>,
    /// Whether other processes, which it has started, do its work.
    pub(crate) has_workers: bool,
    pub(crate) accounts: Vec<Account>,
    own: Option<OwnServer>,
}

/// The parts of an own server, in the order in which they are dropped.
struct OwnServer {
    child: Child,
    _database: Option<Database>,
    _dir: TempDir,
    _cluster: Option<Arc<Postgres>>,
}

impl Target {
    /// Makes a target of the tool's own server.
    pub(crate) fn own(
        name: String,
        accounts: Vec<Account>,
        child: Child,
        database: Option<Database>,
        dir: TempDir,
        cluster: Option<Arc<Postgres>>,
    ) -> Self {
        let (addr, admin, pid) = (child.addr, child.admin, Some(child.pid()));
        let own = OwnServer { child, _database: database, _dir: dir, _cluster: cluster };
        Self { name, addr, admin, pid, has_workers: false, accounts, own: Some(own) }
    }

    /// Makes a target of a running server.
    pub(crate) fn running(
        addr: SocketAddr,
        admin: Option<SocketAddr>,
        pid: Option<u32>,
        accounts: Vec<Account>,
    ) -> Self {
        Self { name: addr.to_string(), addr, admin, pid, has_workers: false, accounts, own: None }
    }

    /// Returns the server's log, for the report of an error.
    pub(crate) fn said(&self) -> String {
        self.own.as_ref().map_or_else(|| "see its log".to_owned(), |own| own.child.said())
    }
}
