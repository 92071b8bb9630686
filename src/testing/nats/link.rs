//! A proxy in front of NATS that reads its protocol, and cuts, stalls, delays, drops, doubles and reorders in either
//! direction.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::lane::{Fate, Lane, LaneCounts};
use super::wire::NatsMessage;
use crate::testing::Direction;

/// A proxy in front of a NATS server, for one or more clients. Runs until it is dropped.
pub struct NatsLink {
    addr: SocketAddr,
    line: Arc<Line>,
    accepting: JoinHandle<()>,
}

struct Line {
    upstream: SocketAddr,
    to_server: Lane,
    to_client: Lane,
    /// The number of cuts of all connections.
    cuts: watch::Sender<usize>,
    is_severed: watch::Sender<bool>,
}

impl NatsLink {
    /// Makes a link to the server at this address.
    pub async fn to(upstream: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let line = Arc::new(Line {
            upstream,
            to_server: Lane::new(),
            to_client: Lane::new(),
            cuts: watch::Sender::new(0),
            is_severed: watch::Sender::new(false),
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

    /// Returns the URL of the server behind this link.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.addr)
    }

    /// Ends all connections. New ones work.
    pub fn cut(&self) {
        self.line.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Ends all connections, and each new one at once, until [`mend`](Self::mend).
    pub fn sever(&self) {
        self.line.is_severed.send_replace(true);
        self.cut();
    }

    /// Lets new connections work again after [`sever`](Self::sever).
    pub fn mend(&self) {
        self.line.is_severed.send_replace(false);
    }

    /// Lets nothing through in this direction from now on. Connections stay open, and new ones are accepted: so it is
    /// when packets are lost.
    pub fn stall(&self, direction: Direction) {
        self.line.lane(direction).stall(true);
    }

    /// Lets everything through again after [`stall`](Self::stall), beginning with what was held up.
    pub fn flow(&self, direction: Direction) {
        self.line.lane(direction).stall(false);
    }

    /// Lets everything that comes from now on arrive so much later, in its order.
    pub fn delay(&self, direction: Direction, delay: Duration) {
        self.line.lane(direction).delay(delay);
    }

    /// Lets `judge` decide what happens to each message in this direction. Only messages are judged; everything else
    /// passes.
    pub fn judge(&self, direction: Direction, judge: impl FnMut(&NatsMessage) -> Fate + Send + 'static) {
        self.line.lane(direction).judge(Some(Box::new(judge)));
    }

    /// Lets every message pass from now on.
    pub fn spare(&self, direction: Direction) {
        self.line.lane(direction).judge(None);
    }

    /// Returns how many messages had each fate in this direction so far.
    #[must_use]
    pub fn counts(&self, direction: Direction) -> LaneCounts {
        self.line.lane(direction).counts()
    }
}

impl Drop for NatsLink {
    fn drop(&mut self) {
        self.accepting.abort();
        self.sever();
    }
}

impl Line {
    fn lane(&self, direction: Direction) -> &Lane {
        match direction {
            Direction::ToServer => &self.to_server,
            Direction::ToClient => &self.to_client,
        }
    }

    async fn serve(&self, client: TcpStream) {
        let mut cuts = self.cuts.subscribe();
        if *self.is_severed.borrow() {
            return;
        }
        tokio::select! {
            // Dropping both sides ends them.
            _ = cuts.changed() => {}
            _ = self.carry(client) => {}
        }
    }

    async fn carry(&self, client: TcpStream) -> io::Result<()> {
        let server = TcpStream::connect(self.upstream).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        tokio::select! {
            () = self.to_server.carry(from_client, to_server) => {}
            () = self.to_client.carry(from_server, to_client) => {}
        }
        Ok(())
    }
}
