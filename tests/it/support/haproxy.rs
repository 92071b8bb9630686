//! The real haproxy with the configuration of `deploy`, in front of servers.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;

use tokio::process::Command;

use super::front::{Front, Ports, certificate, deployed, replaced};
use super::installed::installed;

/// The nodes in `haproxy.cfg`.
const NODES: [&str; 3] = ["fluent-1:8000", "fluent-2:8000", "fluent-3:8000"];

/// One process of haproxy, gone with this value.
pub(crate) struct Haproxy(Front);

impl Deref for Haproxy {
    type Target = Front;

    fn deref(&self) -> &Front {
        &self.0
    }
}

impl Haproxy {
    /// Starts haproxy in front of three nodes. Without haproxy the test is skipped, and in CI fails.
    pub(crate) async fn before(nodes: [SocketAddr; 3]) -> Option<Self> {
        let program = installed("haproxy")?;
        let configure = |dir: &Path, ports: &Ports| {
            let both = format!("bind {}\n    bind {} ssl", ports.plain, ports.tls);
            let text = replaced(&deployed("haproxy.cfg"), "bind :443 ssl", &both);
            let text = replaced(&text, "maxconn 32000", "maxconn 100");
            let text = replaced(&text, "bind :80\n", &format!("bind {}\n", ports.redirect));
            let node = |text: String, (printed, node): (&str, SocketAddr)| replaced(&text, printed, &node.to_string());
            vec!["-db".to_owned(), "-f".to_owned(), write(dir, &NODES.into_iter().zip(nodes).fold(text, node))]
        };
        Some(Self(Front::start(&program, configure).await))
    }

    /// Its log: a line for each request, and for each node that comes or goes.
    pub(crate) fn log(&self) -> String {
        self.0.said()
    }
}

/// Runs `haproxy -c` on the deployed file with addresses for the names; returns whether it accepts it, and its output.
pub(crate) async fn check() -> Option<(bool, String)> {
    let program = installed("haproxy")?;
    let dir = tempfile::tempdir().unwrap();
    let text = NODES.into_iter().fold(deployed("haproxy.cfg"), |text, name| replaced(&text, name, "127.0.0.1:8000"));
    let output = Command::new(program).args(["-c", "-f", &write(dir.path(), &text)]).output().await.unwrap();
    Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// Writes the configuration and a certificate, with paths in this directory; returns the path.
fn write(dir: &Path, text: &str) -> String {
    let (certificate, key) = certificate();
    std::fs::write(dir.join("fluent.crt"), &certificate).unwrap();
    std::fs::write(dir.join("fluent.pem"), certificate + &key).unwrap();
    let path = dir.join("haproxy.cfg");
    std::fs::write(&path, replaced(text, "/etc/haproxy/tls/", &format!("{}/", dir.display()))).unwrap();
    path.display().to_string()
}
