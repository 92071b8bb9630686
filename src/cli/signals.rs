//! Signals of the server process.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that end a process unless it says otherwise. For systemd the end by SIGHUP is a clean one: nobody would start
/// the server again.
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
    /// Listens to them from now on, and ignores the others that would end the process.
    pub(crate) fn install() -> io::Result<Self> {
        for (name, kind) in ignored() {
            let mut ignored = signal(kind)?;
            tokio::spawn(async move {
                // Told once. The signal is ignored until the process ends, whether anybody listens or not.
                if ignored.recv().await.is_some() {
                    tracing::info!("{name} is ignored: settings are read at the start, and SIGTERM stops the server");
                }
            });
        }
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next of them.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
