//! The rounds of the monitor: each second on a thread of its own, which judges the actors also while the runtime stands
//! still.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::actors::{Health, RUNTIME_BEAT, SocketFigures};
use crate::domain::Timestamp;
use crate::http::{App, Tls};
use crate::service::{Edge, Monitor, PlacesTaken};
use crate::telemetry::{SocketKind, metrics};

/// The time between two rounds.
const EVERY: Duration = Duration::from_secs(1);
/// A round that comes so late is left out: the whole process stood still, and knows nothing of what its parts have
/// done.
const STOOD_STILL: Duration = Duration::from_millis(2500);
/// The time between two looks at the disks, and at the database.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The time between two looks at the size of a PostgreSQL database.
const SIZE_EVERY: Duration = Duration::from_mins(1);

/// Ends the rounds when it is dropped.
pub(super) struct Rounds(#[expect(dead_code, reason = "its drop is what counts")] Sender<()>);

/// Starts the rounds, from within the runtime. Fails when the system has no thread for them.
pub(super) fn start(monitor: &Arc<Monitor>) -> std::io::Result<Rounds> {
    let (end, ended) = channel::<()>();
    let (monitor, runtime) = (Arc::downgrade(monitor), Handle::current());
    std::thread::Builder::new().name("monitor".to_owned()).spawn(move || {
        let start = Instant::now();
        let mut last = start;
        for round in 0.. {
            if ended.recv_timeout(until_next(start.elapsed())) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let Some(monitor) = monitor.upgrade() else { return };
            let now = Instant::now();
            if now.duration_since(std::mem::replace(&mut last, now)) < STOOD_STILL {
                monitor.judge(round);
            }
            metrics().process.look_at(&runtime);
        }
    })?;
    Ok(Rounds(end))
}

/// Returns the time from `passed` to the next whole multiple of [`EVERY`], so that rounds which take their time do not
/// come later and later.
fn until_next(passed: Duration) -> Duration {
    EVERY.saturating_sub(Duration::from_nanos(passed.subsec_nanos().into()))
}

/// Shows again and again that the runtime runs tasks, until `stop` is cancelled.
pub(super) async fn beat(health: Arc<Health>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(RUNTIME_BEAT);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        health.note_runtime_runs();
    }
}

/// Looks at the disks and the database now and then, until `stop` is cancelled. A disk that does not answer makes
/// nothing else wait.
pub(super) async fn look(monitor: Arc<Monitor>, stop: CancellationToken) {
    let (disks, stopped) = (monitor.clone(), stop.clone());
    tokio::spawn(async move {
        let mut ticks = ticks(LOOK_EVERY);
        while stopped.run_until_cancelled(ticks.tick()).await.is_some() {
            let looking = disks.clone();
            // Ends early only when the process does.
            let _ = tokio::task::spawn_blocking(move || looking.look_at_disks()).await;
        }
    });
    let (mut looks, mut sizes) = (ticks(LOOK_EVERY), ticks(SIZE_EVERY));
    let looking = async {
        loop {
            tokio::select! {
                _ = looks.tick() => monitor.look_at_database().await,
                _ = sizes.tick() => monitor.look_at_size().await,
            }
        }
    };
    stop.run_until_cancelled(Box::pin(looking)).await;
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// What the monitor sees of the listener for clients.
pub(super) struct ServerEdge {
    /// It has the monitor itself.
    app: Weak<App>,
    tls: Option<Arc<Tls>>,
}

impl ServerEdge {
    pub(super) fn new(app: &Arc<App>, tls: Option<Arc<Tls>>) -> Self {
        Self { app: Arc::downgrade(app), tls }
    }
}

impl Edge for ServerEdge {
    fn sockets(&self) -> Vec<SocketFigures> {
        self.app.upgrade().map(|app| app.sockets.figures()).unwrap_or_default()
    }

    fn open_sockets(&self) -> [usize; SocketKind::ALL.len()] {
        self.app.upgrade().map(|app| app.sockets.counts()).unwrap_or_default()
    }

    fn connections(&self) -> PlacesTaken {
        let places = self.app.upgrade().map(|app| app.places.clone());
        places.map(|places| PlacesTaken { open: places.taken(), limit: places.count() }).unwrap_or_default()
    }

    fn is_full(&self) -> bool {
        self.app.upgrade().is_some_and(|app| app.places.is_full())
    }

    fn certificate_warning(&self, now: Timestamp) -> Option<String> {
        self.tls.as_ref()?.warning(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_come_at_whole_seconds_after_the_first() {
        for (passed_ms, wait_ms) in [(0, 1000), (1, 999), (999, 1), (1000, 1000), (7250, 750)] {
            let wait = until_next(Duration::from_millis(passed_ms));
            assert_eq!(wait, Duration::from_millis(wait_ms), "after {passed_ms} ms");
        }
    }
}
