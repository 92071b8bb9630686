//! The running server as its service manager sees it.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use fluent_backend::{Server, ServerWatch};

use super::service_manager::{say_ready, say_reloading, say_status, vouch, watchdog};

/// How often the manager is told in a line what the server does.
const STATUS_INTERVAL: Duration = Duration::from_mins(1);

/// Tells the manager how the server is, until dropped.
pub(crate) struct Supervised {
    watch: ServerWatch,
    /// Its end ends the thread.
    _running: mpsc::Sender<()>,
}

impl Supervised {
    /// Says that the server serves, and tells from a thread of its own how it is: a runtime in which nothing moves must
    /// not vouch for itself.
    pub(crate) fn begin(server: &Server) -> Self {
        let watch = server.watch();
        let (running, ended) = mpsc::channel();
        say_ready(&status(&watch));
        let watched = watch.clone();
        let spawned =
            thread::Builder::new().name("supervised".to_owned()).spawn(move || report_health(&watched, &ended));
        if let Err(error) = spawned {
            tracing::warn!(%error, "the service manager is not told how the server is: no thread");
        }
        Self { watch, _running: running }
    }

    /// Reads the files anew that may change.
    pub(crate) async fn reload(&self, server: &Server) {
        say_reloading();
        server.reload().await;
        say_ready(&status(&self.watch));
    }
}

/// Vouches for the server while it works, at half of the time in which the manager expects it, and says each minute
/// what it does.
fn report_health(watch: &ServerWatch, ended: &mpsc::Receiver<()>) {
    let watchdog = watchdog().map(|patience| patience / 2);
    let step = watchdog.unwrap_or(STATUS_INTERVAL).min(STATUS_INTERVAL);
    let mut said = Instant::now();
    loop {
        if watchdog.is_some() {
            if watch.works() {
                vouch();
            } else if !watch.is_draining() {
                tracing::error!("the service manager is not told that the server works, since it does not");
            }
        }
        if said.elapsed() >= STATUS_INTERVAL && !watch.is_draining() {
            say_status(&status(watch));
            said = Instant::now();
        }
        if ended.recv_timeout(step) == Err(mpsc::RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

fn status(watch: &ServerWatch) -> String {
    match watch.open_sockets() {
        1 => "serving; 1 socket is open".to_owned(),
        sockets => format!("serving; {sockets} sockets are open"),
    }
}
