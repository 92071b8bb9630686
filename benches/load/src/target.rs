//! What is loaded.

use std::net::SocketAddr;
use std::sync::Arc;

use fluent_backend::testing::Postgres;
use tempfile::TempDir;

use crate::child::Child;
use crate::database::Database;

/// Somebody who can connect.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: i32,
    pub(crate) token: String,
}

/// A server that can be loaded. What was started and made for it is gone with this value.
pub(crate) struct Target {
    /// What it is, and on which database.
    pub(crate) name: String,
    pub(crate) addr: SocketAddr,
    /// Where its metrics are, if known.
    pub(crate) admin: Option<SocketAddr>,
    /// Its process, when it can be watched.
    pub(crate) pid: Option<u32>,
    pub(crate) accounts: Vec<Account>,
    own: Option<Own>,
}

/// In the order in which it goes.
struct Own {
    child: Child,
    _database: Option<Database>,
    _dir: TempDir,
    _cluster: Option<Arc<Postgres>>,
}

impl Target {
    /// A server of the tool's own.
    pub(crate) fn own(
        name: String,
        accounts: Vec<Account>,
        child: Child,
        database: Option<Database>,
        dir: TempDir,
        cluster: Option<Arc<Postgres>>,
    ) -> Self {
        let (addr, admin, pid) = (child.addr, child.admin, Some(child.pid()));
        let own = Own { child, _database: database, _dir: dir, _cluster: cluster };
        Self { name, addr, admin, pid, accounts, own: Some(own) }
    }

    /// A server that runs already.
    pub(crate) fn running(
        addr: SocketAddr,
        admin: Option<SocketAddr>,
        pid: Option<u32>,
        accounts: Vec<Account>,
    ) -> Self {
        Self { name: addr.to_string(), addr, admin, pid, accounts, own: None }
    }

    /// What the server has logged, for the report of an error.
    pub(crate) fn said(&self) -> String {
        self.own.as_ref().map_or_else(|| "see its log".to_owned(), |own| own.child.said())
    }
}
