//! Signals of the server process.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that end a process unless it handles them. For systemd an end by SIGHUP is a clean one, so it would not
/// start the server again.
fn ignored() -> [(&'static str, SignalKind); 4] {
    [
        ("SIGHUP", SignalKind::hangup()),
        ("SIGUSR1", SignalKind::user_defined1()),
        ("SIGUSR2", SignalKind::user_defined2()),
        ("SIGALRM", SignalKind::alarm()),
    ]
}

/// The signals that stop the server.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Listens to the signals that stop the server, and ignores the others that would end the process.
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
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next signal that stops the server.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
