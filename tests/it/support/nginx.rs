//! The real nginx with the configuration of `deploy/nginx`, in front of servers.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;

use tokio::process::Command;

use super::front::{Front, Ports, certificate, deployed, replaced};
use super::installed::installed;

/// The addresses of the nodes in `nodes.conf`.
const NODES: [&str; 3] = ["10.0.0.11:8000", "10.0.0.12:8000", "10.0.0.13:8000"];

/// One process of nginx, gone with this value.
pub(crate) struct Nginx(Front);

impl Deref for Nginx {
    type Target = Front;

    fn deref(&self) -> &Front {
        &self.0
    }
}

impl Nginx {
    /// Starts nginx in front of the server at `upstream`. Without nginx the test is skipped, and in CI fails.
    pub(crate) async fn start(upstream: SocketAddr) -> Option<Self> {
        Self::start_with(upstream, |text| text).await
    }

    /// Starts nginx in front of three nodes.
    pub(crate) async fn before(nodes: [SocketAddr; 3]) -> Option<Self> {
        let there = |text: String, (printed, node): (&str, SocketAddr)| replaced(&text, printed, &node.to_string());
        let upstream = NODES.into_iter().zip(nodes).fold(deployed("nginx/nodes.conf"), there);
        // What stands for the one server is the group.
        let [first, ..] = nodes;
        Self::start_with(first, |text| {
            upstream.clone() + &replaced(&text, &format!("http://{first}"), "http://fluent_nodes")
        })
        .await
    }

    /// As [`start`](Self::start), with a change of `fluent.conf`.
    pub(crate) async fn start_with(upstream: SocketAddr, change: impl Fn(String) -> String) -> Option<Self> {
        let program = installed("nginx")?;
        let configure = |dir: &Path, ports: &Ports| {
            write_configuration(dir, upstream, ports, &change);
            let main = dir.join("nginx.conf").display().to_string();
            ["-c".to_owned(), main, "-g".to_owned(), "daemon off; master_process off;".to_owned()].into()
        };
        Some(Self(Front::start(&program, configure).await))
    }

    /// The access log: a line for each request.
    pub(crate) fn access_log(&self) -> String {
        std::fs::read_to_string(self.0.dir.path().join("fluent.log")).unwrap()
    }

    /// The contents of all its logs.
    pub(crate) fn logs(&self) -> String {
        let entries = std::fs::read_dir(self.0.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let logs = entries.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
        logs.map(|log| std::fs::read_to_string(log).unwrap()).collect()
    }
}

/// Runs `nginx -t` on the deployed files with other paths; returns whether it accepts them, and its output.
pub(crate) async fn check() -> Option<(bool, String)> {
    let program = installed("nginx")?;
    let dir = tempfile::tempdir().unwrap();
    write_files(dir.path(), &deployed("nginx/fluent.conf"));
    let output = Command::new(program).arg("-t").arg("-c").arg(dir.path().join("nginx.conf")).output().await.unwrap();
    Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

fn write_configuration(dir: &Path, upstream: SocketAddr, ports: &Ports, change: &impl Fn(String) -> String) {
    let site = deployed("nginx/fluent.conf");
    let site = replaced(&site, "http://127.0.0.1:8000", &format!("http://{upstream}"));
    let site = replaced(&site, "listen 80;", &format!("listen {};", ports.redirect));
    let both = format!("listen {} ssl;\n    listen {};", ports.tls, ports.plain);
    write_files(dir, &change(replaced(&site, "listen 443 ssl;", &both)));
}

/// Writes both files and a certificate, with paths in this directory.
fn write_files(dir: &Path, site: &str) {
    let place = dir.display();
    let site = replaced(site, "/var/log/nginx/", &format!("{place}/"));
    std::fs::write(dir.join("fluent.conf"), replaced(&site, "/etc/nginx/tls/", &format!("{place}/"))).unwrap();

    let main = deployed("nginx/nginx.conf");
    let main = replaced(&main, "/var/log/nginx/", &format!("{place}/"));
    let main = replaced(&main, "/run/nginx.pid", &format!("{place}/nginx.pid"));
    // Only the superuser may change to another user.
    let main = replaced(&main, "user www-data;", "");
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temp_paths = kinds.map(|kind| format!("    {kind}_temp_path {place}/{kind};")).join("\n");
    std::fs::write(dir.join("nginx.conf"), replaced(&main, "http {\n", &format!("http {{\n{temp_paths}\n"))).unwrap();

    let (certificate, key) = certificate();
    std::fs::write(dir.join("fluent.crt"), certificate).unwrap();
    std::fs::write(dir.join("fluent.key"), key).unwrap();
}
