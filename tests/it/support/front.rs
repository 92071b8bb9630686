//! Programs of other people that stand in front of servers: their files, their ports, and their start.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use fluent_backend::testing::{Http, eventually};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// Another process may take a port between the choice and the start.
const ATTEMPTS: usize = 5;

/// A program that listens, gone with this value.
pub(crate) struct Front {
    _child: Child,
    pub(crate) dir: TempDir,
    pub(crate) ports: Ports,
}

/// The ports of a program.
pub(crate) struct Ports {
    /// For clear text, which only the tests have.
    pub(crate) plain: SocketAddr,
    pub(crate) tls: SocketAddr,
    /// Where clear text is sent to TLS.
    pub(crate) redirect: SocketAddr,
}

impl Front {
    /// Starts a program with the arguments that `configure` returns when it has written the files.
    pub(crate) async fn start(program: &Path, configure: impl Fn(&Path, &Ports) -> Vec<String>) -> Self {
        for _ in 0..ATTEMPTS {
            let dir = tempfile::tempdir().unwrap();
            let ports = Ports::free();
            let arguments = configure(dir.path(), &ports);
            let log = std::fs::File::create(dir.path().join("start.log")).unwrap();
            // It ends with this process, also when that is killed.
            let mut child = Command::new("setpriv")
                .args(["--pdeathsig", "KILL"])
                .arg(program)
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap())
                .stderr(log)
                .kill_on_drop(true)
                .spawn()
                .unwrap();
            let listens = eventually("it listens or ends", || {
                let ended = child.try_wait().unwrap().is_some();
                async move {
                    let connected = TcpStream::connect(ports.plain).await.is_ok();
                    (connected || ended).then_some(connected && !ended)
                }
            });
            if listens.await {
                return Self { _child: child, dir, ports };
            }
            let said = std::fs::read_to_string(dir.path().join("start.log")).unwrap().to_lowercase();
            assert!(said.contains("address already in use"), "{} does not start: {said}", program.display());
        }
        panic!("no port stays free for {}", program.display());
    }

    /// The address for clear text, which only the tests have.
    pub(crate) fn http(&self) -> Http {
        Http::new(self.ports.plain)
    }

    /// The address for TLS.
    pub(crate) fn tls(&self) -> SocketAddr {
        self.ports.tls
    }

    /// The certificate, for `chat.example.org`.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.dir.path().join("fluent.crt")
    }

    /// What it has written to its output.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("start.log")).unwrap()
    }
}

impl Ports {
    fn free() -> Self {
        let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [plain, tls, redirect] = held.map(|listener| listener.local_addr().unwrap());
        Self { plain, tls, redirect }
    }
}

/// A file below `deploy`.
pub(crate) fn deployed(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)).unwrap()
}

/// Replaces `printed` by `here`; fails the test when `printed` is not in the text.
pub(crate) fn replaced(text: &str, printed: &str, here: &str) -> String {
    assert!(text.contains(printed), "nothing deployed has {printed:?} any more");
    text.replace(printed, here)
}

/// A certificate for `chat.example.org`, and its key.
pub(crate) fn certificate() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(["chat.example.org".to_owned()]).unwrap();
    (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
}
