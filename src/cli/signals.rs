//! Signals of the server process.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that end a process unless it handles them. For systemd an end by one of them is a failure.
fn ignored() -> [(&'static str, SignalKind); 3] {
    [
        ("SIGUSR1", SignalKind::user_defined1()),
        ("SIGUSR2", SignalKind::user_defined2()),
        ("SIGALRM", SignalKind::alarm()),
    ]
}

/// A signal that the server acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerSignal {
    /// SIGTERM or SIGINT: stop.
    Stop,
    /// SIGHUP: read the files anew that may change while the server runs.
    Reload,
}

/// The signals that the server acts on.
pub(crate) struct ServerSignals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl ServerSignals {
    /// Listens to the signals that the server acts on, and ignores the others that would end the process.
    pub(crate) fn install() -> io::Result<Self> {
        for (name, kind) in ignored() {
            let mut ignored = signal(kind)?;
            tokio::spawn(async move {
                // Logged once. The signal stays ignored until the process ends, even after this task has ended.
                if ignored.recv().await.is_some() {
                    tracing::info!("{name} is ignored: settings are read at the start, and SIGTERM stops the server");
                }
            });
        }
        let [hangup, terminate, interrupt] =
            [SignalKind::hangup(), SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        Ok(Self { hangup: hangup?, terminate: terminate?, interrupt: interrupt? })
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) -> ServerSignal {
        tokio::select! {
            _ = self.terminate.recv() => ServerSignal::Stop,
            _ = self.interrupt.recv() => ServerSignal::Stop,
            _ = self.hangup.recv() => ServerSignal::Reload,
        }
    }

    /// Waits for the next signal that stops the server.
    pub(crate) async fn stop(&mut self) {
        while self.next().await != ServerSignal::Stop {}
    }
}
