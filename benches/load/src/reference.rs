//! The reference for comparisons: a bare relay with the same library and the same database, without authentication,
//! limits, actors, receipts and so on. Its costs are the least that the same messages can cost.

mod hub;
mod postgres;
mod pump;
mod rows;
mod sqlite;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::place::Store;
use crate::report::say;
use hub::Hub;

/// Most messages of one transaction, as in the server.
const MAX_BATCH: usize = 1024;
/// Messages that may wait for the writer.
const WAITING: usize = 4096;

/// Runs the bare relay until it is killed.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Reference {
    /// Where messages are kept
    #[arg(long, value_enum, default_value = "none")]
    store: Store,
    /// The path or the URL of the database, whose schema must be there
    #[arg(long)]
    database: Option<String>,
    /// Instead of a relay: accepts TLS with the certificate and key in this directory, and closes what clients close
    #[arg(long, value_name = "DIR")]
    tls: Option<PathBuf>,
    /// Instead of a relay: takes and gives the files of this directory
    #[arg(long, value_name = "DIR", conflicts_with = "tls")]
    files: Option<PathBuf>,
}

impl Reference {
    pub(crate) async fn run(&self) -> Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        if let Some(dir) = &self.tls {
            let acceptor = crate::tls::acceptor(dir)?;
            say(&format!("  clients    https://{}", listener.local_addr()?));
            say("Try:");
            return crate::tls::accept(listener, acceptor).await;
        }
        if let Some(dir) = &self.files {
            say(&format!("  clients    http://{}", listener.local_addr()?));
            say("Try:");
            return crate::media::serve(listener, dir.clone()).await;
        }
        let (jobs, waiting) = mpsc::channel(WAITING);
        let hub = Arc::new(Hub::new(jobs));
        match self.store {
            Store::None => {
                tokio::spawn(hub::forward(hub.clone(), waiting));
            }
            Store::Sqlite => {
                let writer = sqlite::Writer::open(Path::new(self.database()?))?;
                let hub = hub.clone();
                std::thread::spawn(move || sqlite::run(writer, &hub, waiting));
            }
            Store::Postgres => {
                let writer = postgres::Writer::open(self.database()?).await?;
                tokio::spawn(postgres::run(writer, hub.clone(), waiting));
            }
        }
        say(&format!("  clients    http://{}", listener.local_addr()?));
        say("Try:");
        accept(listener, hub).await
    }

    fn database(&self) -> Result<&str> {
        self.database.as_deref().context("this store needs --database")
    }
}

async fn accept(listener: TcpListener, hub: Arc<Hub>) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(pump::serve(stream, hub.clone()));
    }
}

#[cfg(test)]
mod tests {
    use fluent_backend::clock::Clock;
    use fluent_backend::testing::{TestClient, TestServer};

    use super::*;
    use crate::fanout::Fanout;
    use crate::marked_frame::Dialect;
    use crate::relay::Relay;
    use crate::target::{Account, Target};
    use crate::token::Mint;

    #[derive(clap::Parser)]
    struct Loads {
        #[command(flatten)]
        relay: Relay,
        #[arg(long, value_enum)]
        dialect: Dialect,
    }

    #[derive(clap::Parser)]
    struct Fans {
        #[command(flatten)]
        fanout: Fanout,
    }

    /// A bare relay that stores nothing, for accounts 1 to `count`.
    async fn target(count: i32) -> Target {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let hub = Arc::new(Hub::new(jobs));
        tokio::spawn(hub::forward(hub.clone(), waiting));
        accepting(hub, count).await
    }

    async fn accepting(hub: Arc<Hub>, count: i32) -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(accept(listener, hub));
        let mint = Mint::new("a secret that nobody verifies");
        let account = |id| Account { id, token: mint.token(id, id.into()).unwrap() };
        Target::running(addr, None, None, (1..=count).map(account).collect())
    }

    /// The driver against the bare relay: every message comes once and in order, on both wires, in both loops.
    #[tokio::test]
    async fn messages_come_once_and_in_order() {
        for arguments in ["--dialect legacy --window 4", "--dialect v1 --window 4", "--dialect v1 --rate 500"] {
            let arguments = format!("load --pairs 3 --seconds 1 --warmup 0 {arguments}");
            let Loads { relay, dialect } = clap::Parser::parse_from(arguments.split(' '));
            let outcome = relay.run(&target(6).await, dialect).await.unwrap();
            assert!(outcome.sound.holds() && outcome.costs.count > 100, "{outcome}");
        }
    }

    /// Legacy frames for all sockets.
    #[tokio::test]
    async fn every_socket_gets_every_message() {
        let arguments = "load --sockets 3 --seconds 1 --warmup 0";
        let Fans { fanout } = clap::Parser::parse_from(arguments.split(' '));
        let outcome = fanout.run(&target(2).await).await.unwrap();
        assert!(outcome.sound.holds() && outcome.costs.count > 100, "{outcome}");
    }

    /// Its statements fit the schema of the store, and what it stores is there for the server.
    #[tokio::test(flavor = "multi_thread")]
    async fn the_server_reads_what_it_stores() {
        let server = TestServer::start_alone(|_| {}).await;
        let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
        let file = server.data_dir().join("fluent.db");
        let data = server.stop_keeping_data().await;
        let (jobs, waiting) = mpsc::channel(WAITING);
        let hub = Arc::new(Hub::new(jobs));
        if data.is_sqlite() {
            let (writer, hub) = (sqlite::Writer::open(&file).unwrap(), hub.clone());
            std::thread::spawn(move || sqlite::run(writer, &hub, waiting));
        } else {
            let writer = postgres::Writer::open(data.url()).await.unwrap();
            tokio::spawn(postgres::run(writer, hub.clone(), waiting));
        }
        let arguments = "load --pairs 1 --seconds 1 --warmup 0 --dialect v1";
        let Loads { relay, dialect } = clap::Parser::parse_from(arguments.split(' '));
        let outcome = relay.run(&accepting(hub, 2).await, dialect).await.unwrap();
        assert!(outcome.sound.holds() && outcome.costs.count > 100, "{outcome}");

        let server = TestServer::start_on(data, Clock::system(), |_| {}).await;
        let read = TestClient::log_in(server.http(), "bob", bob.id).await.history(alice.id).await;
        assert!(read.len() >= outcome.costs.count.try_into().unwrap(), "{} read: {outcome}", read.len());
        server.stop().await;
    }
}
