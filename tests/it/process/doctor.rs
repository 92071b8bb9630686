//! `doctor` finds what is wrong, says what mends it, and changes nothing.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use fluent_backend::testing::{TestData, TestServer};
use serde_json::Value;

use crate::support::binary::{ServerProcess, run, run_on};
use crate::support::front::replaced;
use crate::support::nginx::Nginx;
use crate::support::tls::{Pair, TlsFiles};

/// What `doctor --json` has found.
struct Diagnosis {
    code: Option<i32>,
    all: Value,
}

impl Diagnosis {
    fn of(output: &std::process::Output) -> Self {
        let all = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
        });
        Self { code: output.status.code(), all }
    }

    async fn make(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::of(&run(dir, &[&["doctor", "--json"], args].concat(), variables).await)
    }

    /// The level of the finding of this check that says this.
    fn level(&self, check: &str, said: &str) -> &str {
        let findings = self.all["findings"].as_array().unwrap();
        let found = findings
            .iter()
            .find(|finding| finding["check"] == check && finding["found"].as_str().unwrap().contains(said));
        found.unwrap_or_else(|| panic!("no {check} says {said:?}: {findings:#?}"))["level"].as_str().unwrap()
    }

    fn errors(&self) -> u64 {
        self.all["errors"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn before_the_first_start_nothing_is_wrong_and_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let found = Diagnosis::make(dir.path(), &[], &[("FLUENT__ADMIN__LISTEN", "127.0.0.1:1")]).await;
    assert_eq!(found.errors(), 0, "{:#?}", found.all);
    assert!(matches!(found.code, Some(0 | 1)), "{:?}", found.code);
    assert_eq!(found.level("schema", "there is no database yet"), "fine");
    assert_eq!(found.level("server", "none answers on 127.0.0.1:1"), "fine");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "something was made");
}

#[tokio::test]
async fn a_running_server_is_asked_and_a_secret_that_others_can_read_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    let admin = server.admin().to_string();
    let variables = [("FLUENT__ADMIN__LISTEN", admin.as_str())];
    let found = Diagnosis::make(dir.path(), &[], &variables).await;
    assert_eq!(found.errors(), 0, "{:#?}", found.all);
    assert_eq!(found.level("server", "running and ready"), "fine");
    assert_eq!(found.level("schema", "up to date"), "fine");
    assert_eq!(found.level("files", "readable to their owner alone"), "fine");

    let secret = dir.path().join("data/secret.key");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    let found = Diagnosis::make(dir.path(), &[], &variables).await;
    assert_eq!((found.code, found.errors()), (Some(2), 1), "{:#?}", found.all);
    assert_eq!(found.level("files", "secret.key has mode 0644"), "error");
    let text = run(dir.path(), &["doctor"], &variables).await;
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("do:  chmod 600 ") && text.contains("1 error, "), "{text}");
    server.stop().await;
}

/// A proxy that swallows handshakes and shows what is the operators' is found from outside.
#[tokio::test]
async fn mistakes_of_a_proxy_are_found_at_the_public_address() {
    let dir = tempfile::tempdir().unwrap();
    let pings = ("FLUENT__SOCKET__PING_S", "2");
    let server = ServerProcess::start(dir.path(), &[pings]).await;
    let (admin, listen) = (server.admin(), server.admin().to_string());
    let variables = [pings, ("FLUENT__ADMIN__LISTEN", listen.as_str())];
    let Some(good) = Nginx::start(server.addr).await else { return };
    let public = format!("http://{}", good.ports.plain);
    let found = Diagnosis::make(dir.path(), &["--public-url", &public], &variables).await;
    assert_eq!(found.errors(), 0, "{:#?}", found.all);
    assert_eq!(found.level("sockets", "handshakes arrive"), "fine");

    let leaky = |text: String| {
        let metrics = format!("location = /metrics {{ proxy_pass http://{admin}; }}\n    location / {{");
        let text = text.replacen("location / {", &metrics, 1);
        replaced(&text, "proxy_set_header Upgrade $http_upgrade;", "")
    };
    let Some(bad) = Nginx::start_with(server.addr, leaky).await else { return };
    let public = format!("http://{}", bad.ports.plain);
    let found = Diagnosis::make(dir.path(), &["--public-url", &public], &variables).await;
    assert_eq!(found.level("sockets", "takes the headers of handshakes away"), "error");
    assert_eq!(found.level("public", "/metrics of the operators' listener"), "error");
    assert_eq!(found.code, Some(2));
    server.stop().await;
}

/// Strangers find nothing of what `doctor` tries.
#[tokio::test]
async fn without_a_code_there_is_nothing_to_try() {
    let server = TestServer::start_alone(|_| {}).await;
    let http = server.http();
    for path in ["/media/probe", "/media/probe?code=", "/media/probe?code=x"] {
        assert_eq!(
            (http.get(path).await.status.as_u16(), http.post(path, &Value::Null).await.status.as_u16()),
            (404, 404),
            "{path}"
        );
    }
    assert_eq!(http.get("/chat/ws?probe=x").await.status, 401);
    server.stop().await;
}

/// What nginx does with the wrong directives: sockets that are idle are closed, addresses are believed or lost, and
/// files are held back.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_does_to_sockets_addresses_and_files_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let settings = [
        ("FLUENT__SOCKET__PING_S", "2"),
        ("FLUENT__SERVER__CLIENT_ADDRESS", "x-forwarded-for"),
        ("FLUENT__SERVER__TRUSTED_PROXIES", "127.0.0.1/32"),
    ];
    let server = ServerProcess::start(dir.path(), &settings).await;
    let admin = server.admin().to_string();
    let variables = [&settings[..], &[("FLUENT__ADMIN__LISTEN", admin.as_str())]].concat();
    let look = async |nginx: &Nginx| {
        let public = format!("http://{}", nginx.ports.plain);
        Diagnosis::make(dir.path(), &["--public-url", &public], &variables).await
    };
    let Some(good) = Nginx::start(server.addr).await else { return };
    let found = look(&good).await;
    assert_eq!(found.errors(), 0, "{:#?}", found.all);
    for (check, said) in [
        ("sockets", "stays open"),
        ("address", "that of a client arrives: 127.0.0.2"),
        ("files", "uploads pass piece by piece"),
        ("files", "downloads pass piece by piece"),
    ] {
        assert_eq!(found.level(check, said), "fine", "{check}: {:#?}", found.all);
    }

    let careless = |text: String| {
        let text = replaced(&text, "proxy_read_timeout 90s;", "proxy_read_timeout 1s;");
        let text = replaced(&text, "proxy_set_header X-Forwarded-For $remote_addr;", "");
        replaced(&text, "proxy_request_buffering off;", "")
    };
    let Some(bad) = Nginx::start_with(server.addr, careless).await else { return };
    let found = look(&bad).await;
    assert_eq!(found.level("sockets", "one on which nothing happens is closed"), "error", "{:#?}", found.all);
    assert_eq!(found.level("files", "keeps an upload"), "warning", "{:#?}", found.all);
    // Without a header of its own, nginx passes on what the client says.
    assert_eq!(found.level("address", "a client may say what its address is"), "error", "{:#?}", found.all);

    let forgetful = |text: String| {
        replaced(&text, "proxy_set_header X-Forwarded-For $remote_addr;", "proxy_set_header X-Forwarded-For \"\";")
    };
    let Some(blind) = Nginx::start_with(server.addr, forgetful).await else { return };
    let found = look(&blind).await;
    assert_eq!(found.level("address", "takes this machine, 127.0.0.2, for 127.0.0.1"), "warning", "{:#?}", found.all);
    server.stop().await;
}

#[tokio::test]
async fn nobody_or_another_at_the_public_address_and_a_certificate_nobody_trusts_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let files = TlsFiles::new(&Pair::new());
    let [certificate, key] = [files.certificate(), files.key()].map(|path| path.display().to_string());
    let tls = [("FLUENT__TLS__CERTIFICATE", certificate.as_str()), ("FLUENT__TLS__KEY", key.as_str())];
    let found = Diagnosis::make(dir.path(), &["--public-url", "http://127.0.0.1:1"], &tls).await;
    assert_eq!(found.level("public", "http://127.0.0.1:1/: "), "error");
    assert!(found.level("certificate", "days left") == "fine");

    let server = ServerProcess::start(dir.path(), &[]).await;
    let operators = format!("http://{}", server.admin());
    let found = Diagnosis::make(dir.path(), &["--public-url", &operators], &[]).await;
    assert_eq!(found.level("public", "something else answers"), "error");
    let wrong = format!("https://{}", server.addr);
    let found = Diagnosis::make(dir.path(), &["--public-url", &wrong], &[]).await;
    assert_eq!(found.level("public", "https://127.0.0.1"), "error");
    server.stop().await;
}

#[tokio::test]
async fn the_database_is_looked_at_on_either_engine() {
    let data = TestData::new().await;
    let found = Diagnosis::of(&run_on(&data, &["doctor", "--json"], &[]).await);
    if data.is_sqlite() {
        let found =
            Diagnosis::of(&run_on(&data, &["doctor", "--json"], &[("FLUENT__DATABASE__SYNCHRONOUS", "normal")]).await);
        assert_eq!(found.level("database", "a loss of power may take the last messages"), "warning");
    } else {
        // The throw-away servers of the tests do not wait for the disk.
        assert_eq!(found.level("database", "PostgreSQL "), "fine");
    }
}
