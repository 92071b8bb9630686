//! A proxy between a server and its PostgreSQL that can stall, cut connections, cut exactly at a `COMMIT`, and count
//! the round trips of transactions that hold the row of `store`.

mod session;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use session::HeldTransaction;
use session::Session;
use wire::Messages;

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

#[derive(Debug)]
struct Line {
    /// The database's Unix socket.
    upstream: Mutex<PathBuf>,
    /// Connections accepted so far.
    opened: AtomicUsize,
    /// The number below which connections are held: nothing gets through on them.
    held_below: watch::Sender<usize>,
    /// The number of cuts of all connections.
    cuts: watch::Sender<usize>,
    traps: watch::Sender<Option<CommitCut>>,
    commits_cut: AtomicUsize,
    /// The transactions that have held the row of `store`, while they are recorded.
    held: Mutex<Option<Vec<HeldTransaction>>>,
}

impl DatabaseLink {
    /// Makes a link to the database at this Unix socket, such as `/tmp/x/.s.PGSQL.5432`.
    pub async fn to(upstream: PathBuf) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let line = Arc::new(Line {
            upstream: Mutex::new(upstream),
            opened: AtomicUsize::new(0),
            held_below: watch::Sender::new(0),
            cuts: watch::Sender::new(0),
            traps: watch::Sender::new(None),
            commits_cut: AtomicUsize::new(0),
            held: Mutex::default(),
        });
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
        self.line.held_below.send_replace(usize::MAX);
    }

    /// Lets nothing through on the connections that are open now, without closing them; new ones work. So it is after a
    /// failover, or when a firewall has lost its state.
    pub fn strand(&self) {
        self.line.held_below.send_replace(self.line.opened.load(Ordering::Relaxed));
    }

    /// Lets everything through again, beginning with what was held up.
    pub fn flow(&self) {
        self.line.held_below.send_replace(0);
    }

    /// Cuts the connection of the next `COMMIT`.
    pub fn cut_next_commit(&self, place: CommitCut) {
        self.line.traps.send_replace(Some(place));
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

impl Drop for DatabaseLink {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

/// A connection is to be ended, or has ended.
struct LinkEnded;

/// An open connection.
struct Connection {
    number: usize,
    session: Mutex<Session>,
    /// Whether the result of a `COMMIT` must not get back.
    swallows: AtomicBool,
}

impl Line {
    async fn serve(&self, client: TcpStream) {
        let mut cuts = self.cuts.subscribe();
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        tokio::select! {
            // Dropping both sides ends them.
            _ = cuts.changed() => {}
            _ = self.carry(client, number) => {}
        }
    }

    async fn carry(&self, client: TcpStream, number: usize) -> Result<(), LinkEnded> {
        client.set_nodelay(true).map_err(|_| LinkEnded)?;
        let upstream = lock(&self.upstream).clone();
        let server = UnixStream::connect(upstream).await.map_err(|_| LinkEnded)?;
        let ((from_client, mut to_client), (from_server, mut to_server)) = (client.into_split(), server.into_split());
        let (mut asked, mut answered) = (Messages::new(from_client), Messages::new(from_server));
        loop {
            let first = asked.next_unnamed().await.ok_or(LinkEnded)?;
            self.pass(number, &first, &mut to_server).await?;
            if !wire::is_negotiation(&first) {
                break;
            }
            let answer = answered.byte().await.ok_or(LinkEnded)?;
            self.pass(number, &answer, &mut to_client).await?;
        }
        let connection = Connection { number, session: Mutex::new(Session::new()), swallows: AtomicBool::new(false) };
        tokio::select! {
            end = self.ask(&connection, &mut asked, &mut to_server) => end,
            end = self.answer(&connection, &mut answered, &mut to_client) => end,
        }
    }

    async fn ask(
        &self,
        connection: &Connection,
        asked: &mut Messages<impl AsyncRead + Unpin>,
        server: &mut (impl AsyncWrite + Unpin),
    ) -> Result<(), LinkEnded> {
        let mut ready = BytesMut::new();
        loop {
            let message = asked.next().await.ok_or(LinkEnded)?;
            let statement = lock(&connection.session).ask(&message);
            if statement.is_some_and(|statement| wire::ends_with_commit(&statement)) {
                match self.traps.send_replace(None) {
                    Some(CommitCut::Before) => return self.note_cut(),
                    Some(CommitCut::After) => connection.swallows.store(true, Ordering::Relaxed),
                    None => {}
                }
            }
            ready.unsplit(message);
            if !asked.has_next() {
                self.pass(connection.number, &ready.split(), server).await?;
            }
        }
    }

    async fn answer(
        &self,
        connection: &Connection,
        answered: &mut Messages<impl AsyncRead + Unpin>,
        client: &mut (impl AsyncWrite + Unpin),
    ) -> Result<(), LinkEnded> {
        let mut ready = BytesMut::new();
        loop {
            let message = answered.next().await.ok_or(LinkEnded)?;
            if connection.swallows.load(Ordering::Relaxed) && wire::is_committed(&message) {
                return self.note_cut();
            }
            let ended = lock(&connection.session).answer(&message);
            if let Some(held) = lock(&self.held).as_mut() {
                held.extend(ended);
            }
            ready.unsplit(message);
            // Rows that arrive together are passed on together.
            if !answered.has_next() {
                self.pass(connection.number, &ready.split(), client).await?;
            }
        }
    }

    fn note_cut(&self) -> Result<(), LinkEnded> {
        self.commits_cut.fetch_add(1, Ordering::Relaxed);
        Err(LinkEnded)
    }

    async fn pass(&self, number: usize, bytes: &[u8], to: &mut (impl AsyncWrite + Unpin)) -> Result<(), LinkEnded> {
        let mut held = self.held_below.subscribe();
        held.wait_for(|below| number >= *below).await.map_err(|_| LinkEnded)?;
        to.write_all(bytes).await.map_err(|_| LinkEnded)
    }
}

/// Locks plain data, which is consistent after any panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
