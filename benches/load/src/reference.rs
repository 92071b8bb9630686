//! What our server is compared with: a bare relay over the same library and the same database, without authentication,
//! limits, actors, receipts and all the rest. It is what the same messages must cost at least.

mod hub;
mod pump;
mod sqlite;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::report::say;
use crate::target::Store;
use hub::Hub;

/// Messages that may wait for the writer.
const WAITING: usize = 4096;

/// Runs the bare relay until it is killed.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Reference {
    /// Where messages are kept
    #[arg(long, value_enum, default_value = "none")]
    store: Store,
    /// The database, whose schema must be there
    #[arg(long)]
    database: Option<PathBuf>,
}

impl Reference {
    pub(crate) async fn run(&self) -> Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (jobs, waiting) = mpsc::channel(WAITING);
        let hub = Arc::new(Hub::new(jobs));
        match self.store {
            Store::None => {
                tokio::spawn(hub::forward(hub.clone(), waiting));
            }
            Store::Sqlite => {
                let path = self.database.as_deref().context("--store sqlite needs --database")?;
                let writer = sqlite::Writer::open(path)?;
                let hub = hub.clone();
                std::thread::spawn(move || sqlite::run(writer, &hub, waiting));
            }
        }
        say(&format!("  clients    http://{}", listener.local_addr()?));
        say("Try:");
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(pump::serve(stream, hub.clone()));
        }
    }
}
