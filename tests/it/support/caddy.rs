//! The real Caddy with the configuration of `deploy`, in front of a server.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;

use tokio::process::Command;

use super::front::{Front, Ports, certificate, deployed, replaced};
use super::installed::installed;

/// One process of Caddy, gone with this value.
pub(crate) struct Caddy(Front);

impl Deref for Caddy {
    type Target = Front;

    fn deref(&self) -> &Front {
        &self.0
    }
}

impl Caddy {
    /// Starts Caddy in front of the server at `upstream`. Without Caddy the test is skipped, and in CI fails.
    pub(crate) async fn start(upstream: SocketAddr) -> Option<Self> {
        let program = installed("caddy")?;
        let configure = |dir: &Path, ports: &Ports| {
            let file = write(dir, upstream, ports);
            ["run", "--adapter", "caddyfile", "--config", &file].map(str::to_owned).into()
        };
        Some(Self(Front::start(&program, configure).await))
    }

    /// The access log: a line for each request.
    pub(crate) fn access_log(&self) -> String {
        std::fs::read_to_string(self.0.dir.path().join("fluent.log")).unwrap_or_default()
    }

    /// The contents of all its logs.
    pub(crate) fn logs(&self) -> String {
        self.access_log() + &std::fs::read_to_string(self.0.dir.path().join("caddy.log")).unwrap() + &self.said()
    }
}

/// Runs `caddy validate` on the deployed file with other paths; returns whether it accepts it, and its output.
pub(crate) async fn check() -> Option<(bool, String)> {
    let program = installed("caddy")?;
    let dir = tempfile::tempdir().unwrap();
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let file = write(dir.path(), at(1), &Ports { plain: at(2), tls: at(3), redirect: at(4) });
    let output = Command::new(program).args(["validate", "--adapter", "caddyfile", "--config", &file]).output();
    let output = output.await.unwrap();
    Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// Writes the configuration and a certificate, with paths in this directory; returns the path.
fn write(dir: &Path, upstream: SocketAddr, ports: &Ports) -> String {
    let (certificate, key) = certificate();
    std::fs::write(dir.join("fluent.crt"), certificate).unwrap();
    std::fs::write(dir.join("fluent.key"), key).unwrap();
    let place = dir.display();
    let text = replaced(&deployed("caddy/Caddyfile"), "/var/log/caddy/", &format!("{place}/"));
    let text = replaced(&text, "reverse_proxy 127.0.0.1:8000", &format!("reverse_proxy {upstream}"));
    let alone = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n";
    let text = replaced(&text, "\n{\n", &format!("\n{alone}\tstorage file_system {place}/storage\n"));
    // Twice, since one site cannot be with TLS and without.
    let (global, site) = text.split_once("chat.example.org {\n").unwrap();
    let plain = format!("http://{} {{\n\tbind 127.0.0.1\n{site}", ports.plain);
    let tls = format!("tls {place}/fluent.crt {place}/fluent.key");
    let tls = format!("https://chat.example.org:{} {{\n\tbind 127.0.0.1\n\t{tls}\n{site}", ports.tls.port());
    let path = dir.join("Caddyfile");
    std::fs::write(&path, format!("{global}\n{plain}\n{tls}")).unwrap();
    path.display().to_string()
}
