//! The real nginx with the configuration of `deploy/nginx`, in front of a server.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use fluent_backend::testing::{Http, eventually};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::installed::installed;

/// Another process may take a port between the choice and the start.
const ATTEMPTS: usize = 5;

/// One process of nginx, gone with this value.
pub(crate) struct Nginx {
    _child: Child,
    dir: TempDir,
    addr: SocketAddr,
    tls: SocketAddr,
}

impl Nginx {
    /// Starts nginx in front of the server at `upstream`. Without nginx the test is skipped, and in CI fails.
    pub(crate) async fn start(upstream: SocketAddr) -> Option<Self> {
        Self::start_with(upstream, |text| text).await
    }

    /// As [`start`](Self::start), with a change of `fluent.conf`.
    pub(crate) async fn start_with(upstream: SocketAddr, change: impl Fn(String) -> String) -> Option<Self> {
        let program = installed("nginx")?;
        for _ in 0..ATTEMPTS {
            let dir = tempfile::tempdir().unwrap();
            let ports = Ports::free();
            write_configuration(dir.path(), upstream, &ports, &change);
            let log = std::fs::File::create(dir.path().join("start.log")).unwrap();
            // It ends with this process, also when that is killed.
            let mut child = Command::new("setpriv")
                .args(["--pdeathsig", "KILL"])
                .arg(&program)
                .arg("-c")
                .arg(dir.path().join("nginx.conf"))
                .args(["-g", "daemon off; master_process off;"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log)
                .kill_on_drop(true)
                .spawn()
                .unwrap();
            let listens = eventually("nginx listens or ends", || {
                let ended = child.try_wait().unwrap().is_some();
                async move {
                    let connected = TcpStream::connect(ports.plain).await.is_ok();
                    (connected || ended).then_some(connected && !ended)
                }
            });
            if listens.await {
                return Some(Self { _child: child, dir, addr: ports.plain, tls: ports.tls });
            }
            let said = std::fs::read_to_string(dir.path().join("start.log")).unwrap();
            assert!(said.contains("Address already in use"), "nginx does not start: {said}");
        }
        panic!("no port stays free for nginx");
    }

    /// The address for clear text, which only the tests have.
    pub(crate) fn http(&self) -> Http {
        Http::new(self.addr)
    }

    /// The address for TLS.
    pub(crate) fn tls(&self) -> SocketAddr {
        self.tls
    }

    /// The certificate, for `chat.example.org`.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.dir.path().join("fluent.crt")
    }

    /// The access log: a line for each request.
    pub(crate) fn access_log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("fluent.log")).unwrap()
    }

    /// The contents of all its logs.
    pub(crate) fn logs(&self) -> String {
        let entries = std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let logs = entries.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
        logs.map(|log| std::fs::read_to_string(log).unwrap()).collect()
    }
}

/// Runs `nginx -t` on the deployed files with other paths; returns whether it accepts them, and its output.
pub(crate) async fn check() -> Option<(bool, String)> {
    let program = installed("nginx")?;
    let dir = tempfile::tempdir().unwrap();
    write_files(dir.path(), &deployed("fluent.conf"));
    let output = Command::new(program).arg("-t").arg("-c").arg(dir.path().join("nginx.conf")).output().await.unwrap();
    Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

struct Ports {
    plain: SocketAddr,
    tls: SocketAddr,
    redirect: SocketAddr,
}

impl Ports {
    fn free() -> Self {
        let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [plain, tls, redirect] = held.map(|listener| listener.local_addr().unwrap());
        Self { plain, tls, redirect }
    }
}

fn deployed(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/nginx").join(name)).unwrap()
}

/// Replaces `printed` by `here`; fails the test when `printed` is not in the text.
fn replaced(text: &str, printed: &str, here: &str) -> String {
    assert!(text.contains(printed), "deploy/nginx has no {printed:?} any more");
    text.replace(printed, here)
}

fn write_configuration(dir: &Path, upstream: SocketAddr, ports: &Ports, change: &impl Fn(String) -> String) {
    let site = deployed("fluent.conf");
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

    let main = deployed("nginx.conf");
    let main = replaced(&main, "/var/log/nginx/", &format!("{place}/"));
    let main = replaced(&main, "/run/nginx.pid", &format!("{place}/nginx.pid"));
    // Only the superuser may change to another user.
    let main = replaced(&main, "user www-data;", "");
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temp_paths = kinds.map(|kind| format!("    {kind}_temp_path {place}/{kind};")).join("\n");
    std::fs::write(dir.join("nginx.conf"), replaced(&main, "http {\n", &format!("http {{\n{temp_paths}\n"))).unwrap();

    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(["chat.example.org".to_owned()]).unwrap();
    std::fs::write(dir.join("fluent.crt"), parameters.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(dir.join("fluent.key"), key.serialize_pem()).unwrap();
}
