//! What happens to the connections of a link.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;

use super::CommitCut;
use super::session::{HeldTransaction, Session};
use super::wire::{self, Messages};
use crate::testing::Direction;

#[derive(Debug)]
pub(super) struct Line {
    /// The database's Unix socket.
    pub(super) upstream: Mutex<PathBuf>,
    /// Connections accepted so far.
    pub(super) opened: AtomicUsize,
    /// The number below which connections are held: nothing of the client gets through on them.
    pub(super) asked_below: watch::Sender<usize>,
    /// As above, for what the database says.
    pub(super) answered_below: watch::Sender<usize>,
    /// The number of cuts of all connections.
    pub(super) cuts: watch::Sender<usize>,
    pub(super) traps: watch::Sender<Option<CommitCut>>,
    /// Whether a transaction that holds the row of `store` is held up.
    pub(super) batches: watch::Sender<Hold>,
    pub(super) commits_asked: AtomicUsize,
    pub(super) commits_cut: AtomicUsize,
    /// By how much what the database says comes later.
    pub(super) delay: Mutex<Duration>,
    /// The transactions that have held the row of `store`, while they are recorded.
    pub(super) held: Mutex<Option<Vec<HeldTransaction>>>,
}

/// Whether the next transaction that locks the row of `store` is held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    Off,
    Next,
    Held,
}

/// A connection is to be ended, or has ended.
struct LinkEnded;

/// An open connection.
struct Connection {
    number: usize,
    session: Mutex<Session>,
    /// Whether the result of what commits must not get back.
    swallows: AtomicBool,
}

impl Line {
    pub(super) fn to(upstream: PathBuf) -> Self {
        Self {
            upstream: Mutex::new(upstream),
            opened: AtomicUsize::new(0),
            asked_below: watch::Sender::new(0),
            answered_below: watch::Sender::new(0),
            cuts: watch::Sender::new(0),
            traps: watch::Sender::new(None),
            batches: watch::Sender::new(Hold::Off),
            commits_asked: AtomicUsize::new(0),
            commits_cut: AtomicUsize::new(0),
            delay: Mutex::default(),
            held: Mutex::default(),
        }
    }

    pub(super) fn held_below(&self, direction: Direction) -> &watch::Sender<usize> {
        match direction {
            Direction::ToServer => &self.asked_below,
            Direction::ToClient => &self.answered_below,
        }
    }

    /// Holds both directions of all connections below this number.
    pub(super) fn hold_below(&self, number: usize) {
        self.asked_below.send_replace(number);
        self.answered_below.send_replace(number);
    }

    pub(super) async fn serve(&self, client: TcpStream) {
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
            self.pass(&self.asked_below, number, &first, &mut to_server).await?;
            if !wire::is_negotiation(&first) {
                break;
            }
            let answer = answered.byte().await.ok_or(LinkEnded)?;
            self.pass(&self.answered_below, number, &answer, &mut to_client).await?;
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
            let commits = {
                let mut session = lock(&connection.session);
                session.ask(&message).is_some_and(|statement| session.commits(&statement))
            };
            if commits {
                self.commits_asked.fetch_add(1, Ordering::Relaxed);
                match self.traps.send_replace(None) {
                    Some(CommitCut::Before) => return self.note_cut(),
                    Some(CommitCut::After) => connection.swallows.store(true, Ordering::Relaxed),
                    None => {}
                }
            }
            ready.unsplit(message);
            if !asked.has_next() {
                self.pass(&self.asked_below, connection.number, &ready.split(), server).await?;
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
            if connection.swallows.load(Ordering::Relaxed) && wire::ends_transaction(&message) {
                return self.note_cut();
            }
            let ended = lock(&connection.session).answer(&message);
            if let Some(held) = lock(&self.held).as_mut() {
                held.extend(ended);
            }
            ready.unsplit(message);
            // Rows that arrive together are passed on together.
            if !answered.has_next() {
                let is_in_batch = lock(&connection.session).holds_row();
                if is_in_batch {
                    self.hold_up().await;
                }
                let delay = *lock(&self.delay);
                if !delay.is_zero() {
                    tokio::time::sleep(delay).await;
                }
                self.pass(&self.answered_below, connection.number, &ready.split(), client).await?;
            }
        }
    }

    fn note_cut(&self) -> Result<(), LinkEnded> {
        self.commits_cut.fetch_add(1, Ordering::Relaxed);
        Err(LinkEnded)
    }

    /// Waits in a batch for as long as that is held up, if one is to be.
    async fn hold_up(&self) {
        let is_this_one = self.batches.send_if_modified(|hold| {
            let is_next = *hold == Hold::Next;
            if is_next {
                *hold = Hold::Held;
            }
            is_next
        });
        if is_this_one {
            // The sender is in this line.
            let _ = self.batches.subscribe().wait_for(|hold| *hold != Hold::Held).await;
        }
    }

    async fn pass(
        &self,
        held_below: &watch::Sender<usize>,
        number: usize,
        bytes: &[u8],
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Result<(), LinkEnded> {
        held_below.subscribe().wait_for(|below| number >= *below).await.map_err(|_| LinkEnded)?;
        to.write_all(bytes).await.map_err(|_| LinkEnded)
    }
}

/// Locks plain data, which is consistent after any panic.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
