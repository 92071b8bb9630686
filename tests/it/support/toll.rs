//! A proxy that lets only so many bytes pass, and then nothing, until it is given more.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fluent_backend::testing::eventually;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Most bytes that are carried at once.
const PIECE: usize = 8192;

/// A proxy that runs until this value is dropped. Its address stays when the server's does not.
pub(crate) struct Toll {
    pub(crate) addr: SocketAddr,
    gate: Arc<Gate>,
    accepting: JoinHandle<()>,
}

struct Gate {
    upstream: Mutex<SocketAddr>,
    /// Bytes that may still pass, in both directions together.
    room: Semaphore,
    passed: AtomicU64,
}

impl Toll {
    /// Starts a proxy in front of `upstream` that lets `bytes` pass.
    pub(crate) async fn start(upstream: SocketAddr, bytes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (room, passed) = (Semaphore::new(bytes), AtomicU64::new(0));
        let gate = Arc::new(Gate { upstream: Mutex::new(upstream), room, passed });
        let open = Arc::clone(&gate);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let gate = Arc::clone(&open);
                tokio::spawn(async move { gate.serve(client).await });
            }
        });
        Self { addr, gate, accepting }
    }

    /// Lets so many bytes pass from now on.
    pub(crate) fn allow(&self, bytes: usize) {
        self.gate.room.forget_permits(Semaphore::MAX_PERMITS);
        self.gate.room.add_permits(bytes);
    }

    /// Brings new connections to a server at another address.
    pub(crate) fn lead_to(&self, upstream: SocketAddr) {
        *self.gate.upstream.lock().unwrap() = upstream;
    }

    /// Waits until nothing passes any more.
    pub(crate) async fn is_shut(&self) {
        let is_shut = || async { (self.gate.room.available_permits() < PIECE).then_some(()) };
        eventually("the bytes have passed", is_shut).await;
    }

    /// Returns how many bytes have passed so far.
    pub(crate) fn passed(&self) -> u64 {
        self.gate.passed.load(Ordering::Relaxed)
    }
}

impl Drop for Toll {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Gate {
    async fn serve(&self, mut client: TcpStream) {
        let upstream = *self.upstream.lock().unwrap();
        let Ok(mut server) = TcpStream::connect(upstream).await else { return };
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        tokio::select! {
            () = self.carry(from_client, to_server) => {}
            () = self.carry(from_server, to_client) => {}
        }
    }

    async fn carry(&self, mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
        let mut piece = vec![0; PIECE];
        while let Ok(bytes @ 1..) = from.read(&mut piece).await {
            self.room.acquire_many(bytes.try_into().unwrap()).await.unwrap().forget();
            self.passed.fetch_add(bytes as u64, Ordering::Relaxed);
            if to.write_all(&piece[..bytes]).await.is_err() {
                return;
            }
        }
    }
}
