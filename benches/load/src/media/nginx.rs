//! The installed nginx as a server of files, with `dav_methods PUT` and otherwise as it comes.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::place::Place;
use crate::target::Target;

/// Longest wait for its start and its end.
const WAIT: Duration = Duration::from_secs(10);

/// A running nginx, gone with this value.
pub(super) struct Nginx {
    child: Child,
    addr: SocketAddr,
    dir: TempDir,
}

impl Nginx {
    /// Starts it with a directory of its own; `None` where it is not installed.
    pub(super) async fn start(place: &Place) -> Result<Option<Self>> {
        let dir = place.fresh_dir()?;
        // Another process may take the port meanwhile; then nginx does not start.
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        std::fs::create_dir(dir.path().join("files"))?;
        std::fs::write(dir.path().join("nginx.conf"), configuration(dir.path(), addr))?;
        let log = std::fs::File::create(dir.path().join("stderr.log"))?;
        let path = std::env::var("PATH").unwrap_or_default();
        let spawned = Command::new("nginx")
            .arg("-c")
            .arg(dir.path().join("nginx.conf"))
            // Where distributions put it, which is not in the path of every user.
            .env("PATH", format!("{path}:/usr/sbin:/usr/local/sbin"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let child = match spawned {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context("cannot start nginx"),
        };
        let mut this = Self { child, addr, dir };
        let deadline = Instant::now() + WAIT;
        while TcpStream::connect(addr).await.is_err() {
            if this.child.try_wait()?.is_some() || Instant::now() > deadline {
                let said = std::fs::read_to_string(this.dir.path().join("stderr.log")).unwrap_or_default();
                bail!("nginx does not start (is its dav module there?): {}", said.trim());
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(Some(this))
    }

    /// Returns it as a target, whose costs are those of all its processes.
    pub(super) fn target(&self) -> Target {
        let mut target = Target::running(self.addr, None, Some(self.child.id()), Vec::new());
        "nginx".clone_into(&mut target.name);
        target.has_workers = true;
        target
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // In order, so that its workers end as well.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = std::time::Instant::now() + WAIT;
        while std::time::Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(dir: &Path, addr: SocketAddr) -> String {
    let place = dir.display();
    // As root it would work as another user, who may not write here.
    let user = if rustix::process::geteuid().is_root() { "user root;\n" } else { "" };
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path {place}/{kind};\n"))
        .concat();
    format!(
        "{user}daemon off;\nworker_processes auto;\npid {place}/nginx.pid;\nerror_log stderr;\n\
         events {{ worker_connections 1024; }}\nhttp {{\n{temporary}    access_log off;\n    sendfile on;\n    \
         client_max_body_size 0;\n    server {{\n        listen {addr};\n        root {place}/files;\n        \
         location / {{ dav_methods PUT; }}\n    }}\n}}\n"
    )
}
