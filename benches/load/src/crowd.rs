//! Idle sockets.

use std::time::Duration;

use anyhow::Result;
use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::client;
use crate::clock;
use crate::latency::Latencies;
use crate::marked_frame::Dialect;
use crate::progress::Progress;
use crate::socket::Socket;
use crate::target::Target;

/// Longest wait for the server's close frame.
const CLOSE: Duration = Duration::from_secs(10);

/// Open sockets, each in a task of its own.
pub(crate) struct Crowd {
    tasks: JoinSet<bool>,
    leave: watch::Sender<bool>,
}

/// Measurements of the connects.
pub(crate) struct Connects {
    /// From the first open socket to the last.
    pub(crate) span: Duration,
    /// From the connect to the open socket; on v1 to its `live`.
    pub(crate) times: Latencies,
}

impl Connects {
    pub(crate) fn per_second(&self, sockets: u32) -> f64 {
        // One fewer than sockets: the intervals between the first and the last.
        f64::from(sockets.saturating_sub(1)) / self.span.as_secs_f64().max(1e-6)
    }
}

impl Crowd {
    /// Opens a socket for each of the first `count` accounts, as fast as they come, `at_once` at a time.
    pub(crate) async fn connect(
        target: &Target,
        count: usize,
        dialect: Dialect,
        at_once: u32,
    ) -> Result<(Self, Connects)> {
        let progress = Progress::counting("sockets connect", count as u64);
        let (leave, told) = watch::channel(false);
        let mut crowd = Self { tasks: JoinSet::new(), leave };
        let mut times = Latencies::new()?;
        let opening = target.accounts.iter().take(count).map(|account| async move {
            let from = clock::now();
            let socket = client::connect(target.addr, &account.token, dialect, "").await?;
            anyhow::Ok((from, clock::now(), socket))
        });
        let mut opening = stream::iter(opening).buffer_unordered(at_once as usize);
        let (mut first, mut last) = (u64::MAX, 0);
        while let Some(opened) = opening.next().await {
            let (from, to, socket) = opened?;
            times.note(from, to);
            (first, last) = (first.min(to), last.max(to));
            crowd.tasks.spawn(stay(socket, told.clone()));
            progress.step();
        }
        Ok((crowd, Connects { span: Duration::from_nanos(last.saturating_sub(first)), times }))
    }

    /// Closes all sockets. Returns how many were not open any more or got no close frame, and how long it took.
    pub(crate) async fn leave(mut self) -> (u64, Duration) {
        let start = clock::now();
        self.leave.send_replace(true);
        let mut lost = 0;
        while let Some(stayed) = self.tasks.join_next().await {
            lost += u64::from(!stayed.unwrap_or(false));
        }
        (lost, Duration::from_nanos(clock::now() - start))
    }
}

/// Replies to pings until it is to leave. Returns whether it was open until then and was closed in order.
async fn stay(mut socket: Socket, mut told: watch::Receiver<bool>) -> bool {
    loop {
        tokio::select! {
            turned = socket.transfer() => if turned.is_err() || drain(&mut socket).is_err() { return false },
            _ = told.wait_for(|leave| *leave) => break,
        }
    }
    socket.queue_close();
    let closing = async { while socket.transfer().await.is_ok() && drain(&mut socket).is_ok() {} };
    timeout(CLOSE, closing).await.is_ok()
}

fn drain(socket: &mut Socket) -> Result<()> {
    while socket.next()?.is_some() {}
    Ok(())
}
