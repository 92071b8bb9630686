//! A service manager such as systemd.

use std::path::Path;

use fluent_backend::testing::soon;
use tokio::net::UnixDatagram;

/// A service manager that is told things.
pub(crate) struct Manager {
    socket: UnixDatagram,
    pub(crate) path: String,
}

impl Manager {
    pub(crate) fn new(dir: &Path) -> Self {
        let path = dir.join("notify").display().to_string();
        Self { socket: UnixDatagram::bind(&path).unwrap(), path }
    }

    /// Waits for the message that holds this line, and returns its lines.
    pub(crate) async fn hears(&self, line: &str) -> Vec<String> {
        let heard = async {
            loop {
                let mut buffer = vec![0; 4096];
                let length = self.socket.recv(&mut buffer).await.unwrap();
                let message = std::str::from_utf8(&buffer[..length]).unwrap();
                let lines: Vec<String> = message.lines().map(ToOwned::to_owned).collect();
                if lines.iter().any(|heard| heard == line) {
                    return lines;
                }
            }
        };
        soon(line, heard).await
    }

    /// Returns what it was told and has not read yet.
    pub(crate) fn unread(&self) -> Vec<String> {
        let mut buffer = vec![0; 4096];
        std::iter::from_fn(|| {
            let length = self.socket.try_recv(&mut buffer).ok()?;
            Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
        })
        .collect()
    }
}
