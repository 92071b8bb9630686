//! A bad network: a TCP proxy that cuts, stalls and delays at random, and delivers in tiny pieces.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Bytes, of both directions in total, after which a connection is cut.
const CUT_AFTER: Range<i64> = 100..20_000;

/// A proxy that runs until this value is dropped.
pub(crate) struct Proxy {
    pub(crate) addr: SocketAddr,
    weather: Arc<Weather>,
    accepting: JoinHandle<()>,
}

struct Weather {
    upstream: SocketAddr,
    calm: AtomicBool,
    cuts: AtomicUsize,
    rng: Mutex<StdRng>,
}

impl Proxy {
    /// Starts a proxy in front of `upstream`. The same seed gives the same offsets and pauses, though not the same
    /// schedule.
    pub(crate) async fn start(upstream: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let rng = Mutex::new(StdRng::seed_from_u64(seed));
        let weather = Arc::new(Weather { upstream, calm: AtomicBool::new(false), cuts: AtomicUsize::new(0), rng });
        let of_connections = Arc::clone(&weather);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let weather = Arc::clone(&of_connections);
                tokio::spawn(async move { weather.serve(client).await });
            }
        });
        Self { addr, weather, accepting }
    }

    /// Lets everything pass from now on, on open connections, too.
    pub(crate) fn calm(&self) {
        self.weather.calm.store(true, Ordering::Relaxed);
    }

    /// The number of connections that were cut so far.
    pub(crate) fn cuts(&self) -> usize {
        self.weather.cuts.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The reason why a direction of a connection has ended.
enum DirectionEnd {
    /// A side has closed it.
    Closed,
    /// The network has cut it.
    Cut,
}

impl Weather {
    fn pick<T>(&self, choose: impl FnOnce(&mut StdRng) -> T) -> T {
        choose(&mut self.rng.lock().unwrap())
    }

    fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    async fn serve(&self, mut client: TcpStream) {
        let Ok(mut server) = TcpStream::connect(self.upstream).await else { return };
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
        }
        let left = AtomicI64::new(self.pick(|rng| rng.random_range(CUT_AFTER)));
        let end = {
            let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
            tokio::select! {
                end = self.forward(from_client, to_server, &left) => end,
                end = self.forward(from_server, to_client, &left) => end,
            }
        };
        if matches!(end, DirectionEnd::Cut) {
            self.cuts.fetch_add(1, Ordering::Relaxed);
            // Each side separately: one may see a reset, the other an end.
            for stream in [&mut client, &mut server] {
                if self.pick(|rng| rng.random_bool(0.5)) {
                    let _ = stream.set_zero_linger();
                } else {
                    let _ = stream.shutdown().await;
                }
            }
        }
    }

    /// Carries bytes until a side closes or the bytes that are `left` have gone.
    async fn forward(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        left: &AtomicI64,
    ) -> DirectionEnd {
        let mut buffer = vec![0; 4096];
        loop {
            let Ok(n @ 1..) = from.read(&mut buffer).await else { return DirectionEnd::Closed };
            let mut piece = &buffer[..n];
            if !self.is_calm() {
                let before = left.fetch_sub(i64::try_from(n).unwrap(), Ordering::Relaxed);
                let allowed = usize::try_from(before.max(0)).unwrap();
                piece = &piece[..n.min(allowed)];
                self.pause().await;
            }
            if self.deliver(piece, &mut to).await.is_err() {
                return DirectionEnd::Closed;
            }
            if piece.len() < n {
                return DirectionEnd::Cut;
            }
        }
    }

    /// Waits: mostly not at all, sometimes for a delay, seldom for a stall.
    async fn pause(&self) {
        let millis = self.pick(|rng| match rng.random_range(0..100) {
            0..80 => 0,
            80..98 => rng.random_range(1..5),
            _ => rng.random_range(20..250),
        });
        if millis > 0 {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
    }

    async fn deliver(&self, mut bytes: &[u8], to: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
        let tiny = !self.is_calm() && self.pick(|rng| rng.random_bool(0.1));
        while !bytes.is_empty() {
            let n = if tiny { self.pick(|rng| rng.random_range(1..=bytes.len().min(40))) } else { bytes.len() };
            to.write_all(&bytes[..n]).await?;
            bytes = &bytes[n..];
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}
