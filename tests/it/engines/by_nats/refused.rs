//! NATS with a login and TLS, and something at its address that is not to be talked to.

use fluent_backend::testing::{TestDatabase, eventually};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::{SECRET, by_nats_alone, server};
use crate::engines::postgres_settings::certificates;
use crate::support::binary::ServerProcess;
use crate::support::nats::nats_with;
use crate::support::postgres::database;
use crate::support::v1::{live, seq};

const LOGIN: &str = "authorization { user: fluent, password: sesame42 }";

/// Starts a process with settings of `[cluster]` and waits until it has a line about NATS: one, which has no password,
/// while the server serves.
pub(super) async fn one_line(database: &TestDatabase, cluster: &[(&str, &str)], reason: &str) {
    let dir = tempfile::tempdir().unwrap();
    let cluster: Vec<_> = cluster.iter().map(|(key, value)| (format!("FLUENT__CLUSTER__{key}"), *value)).collect();
    let mut variables = vec![("DATABASE_URL", database.url()), ("SECRET_KEY", SECRET)];
    variables.extend(cluster.iter().map(|(key, value)| (key.as_str(), *value)));
    let server = ServerProcess::start(dir.path(), &variables).await;
    let about_nats =
        || server.log().lines().filter(|line| line.contains("NATS")).map(str::to_owned).collect::<Vec<_>>();
    eventually("a line about NATS", async || (!about_nats().is_empty()).then_some(())).await;
    let ready: Value = server.http().get("/readyz").await.ok().json();
    assert_eq!(ready["relay"], "polling");
    let lines = about_nats();
    assert!(lines.len() == 1 && lines[0].contains(reason), "{lines:?}");
    assert!(!server.log().contains("sesame") && !server.log().contains("panicked"), "{}", server.log());
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_log_in_at_nats_over_tls() {
    let Some(database) = database().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let (root, (certificate, key)) = certificates("127.0.0.1");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (ca, certificate, key) = (file("ca.crt", &root), file("nats.crt", &certificate), file("nats.key", &key));
    let tls = format!("tls {{ cert_file: \"{certificate}\", key_file: \"{key}\", timeout: 5 }}\n{LOGIN}");
    let Some(nats) = nats_with(&tls).await else { return };
    let url = format!("tls://fluent:sesame42@{}", nats.addr());
    let trusting = |config: &mut fluent_backend::Config| {
        by_nats_alone(config);
        config.cluster.nats_ca = ca.clone();
    };
    let (one, two) = (server(&database, &url, trusting).await, server(&database, &url, trusting).await);
    let (alice, bob) = (one.sign_up("alice").await, two.sign_up("bob").await);
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let stored = seq(&a.store(bob.id, "by NATS").await);
    assert_eq!(seq(&b.expect("message").await), stored);
    one.stop().await;
    two.stop().await;
    // Signed by nobody that the system trusts; and with another password.
    one_line(&database, &[("NATS_URL", &url)], "is its certificate one that cluster.nats_ca").await;
    let url = url.replace("sesame42", "sesame43");
    one_line(&database, &[("NATS_URL", &url), ("NATS_CA", &ca)], "authorization").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_nats_is_told_of_in_one_line() {
    let Some(database) = database().await else { return };
    for text in ["HTTP/1.1 400 Bad Request\r\n\r\n", ""] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("nats://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.write_all(text.as_bytes()).await;
                open.push(stream);
            }
        });
        one_line(&database, &[("NATS_URL", &url)], "trouble with NATS").await;
        serving.abort();
    }
}
