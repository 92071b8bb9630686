//! NATS with a login and TLS, and something at its address that is not to be talked to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fluent_backend::testing::{TestClient, TestDatabase, TestServer, eventually};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{NO_FILES, SECRET, by_nats_alone, two_speak_by_nats};
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
    let mut variables = vec![("DATABASE_URL", database.url()), ("SECRET_KEY", SECRET), NO_FILES];
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
    two_speak_by_nats(&database, &url, trusting).await;
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

/// Greets as NATS does, answers the first question, and then speaks as nobody should.
async fn greet_and_babble(stream: TcpStream, babble: &[u8]) {
    let (reading, mut writing) = stream.into_split();
    let greeting = b"INFO {\"server_id\":\"x\",\"version\":\"2.9.10\",\"max_payload\":1048576,\"headers\":true}\r\n";
    let _ = writing.write_all(greeting).await;
    let mut lines = BufReader::new(reading).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line == "PING" {
            let _ = writing.write_all(&[b"PONG\r\n", babble].concat()).await;
        }
    }
}

/// What lets itself be taken for NATS and is not keeps nothing from being served, and is no flood of lines.
#[tokio::test(flavor = "multi_thread")]
async fn what_only_greets_like_nats_is_done_without() {
    let Some(database) = database().await else { return };
    let babbles: [&[u8]; 4] = [
        b"\0\xff\xfe garbage \r\n\r\n",
        b"MSG fluent.x.log 1 not-a-number\r\n",
        b"HMSG fluent.x.log 1 18446744073709551615 3\r\nabc\r\n",
        b"MSG \xff\xff 999999999999 5\r\nabcde\r\n-ERR 'What?'\r\nPONG\r\nPONG\r\n",
    ];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    let greeted = Arc::new(AtomicUsize::new(0));
    let count = greeted.clone();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let babble = babbles[count.fetch_add(1, Ordering::Relaxed) % babbles.len()];
            tokio::spawn(greet_and_babble(stream, babble));
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let cluster = ("FLUENT__CLUSTER__NATS_URL", url.as_str());
    let variables = [("DATABASE_URL", database.url()), ("SECRET_KEY", SECRET), NO_FILES, cluster];
    let one = ServerProcess::start(dir.path(), &variables).await;
    let two = TestServer::start_with(|config| {
        config.auth.secret_key = SECRET.into();
        config.database.url = database.url().into();
    })
    .await;
    let alice = TestClient::sign_up(one.http(), "alice").await;
    let bob = two.sign_up("bob").await;
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let about_nats = || one.log().lines().filter(|line| line.contains("NATS")).count();
    let mut sent = 0;
    while greeted.load(Ordering::Relaxed) < 3 * babbles.len() || about_nats() == 0 {
        sent += 1;
        let stored = seq(&a.store(bob.id, &sent.to_string()).await);
        assert_eq!(seq(&b.expect("message").await), stored);
        let stored = seq(&b.store(alice.id, &sent.to_string()).await);
        assert_eq!(seq(&a.expect("message").await), stored);
    }
    let ready: Value = one.http().get("/readyz").await.ok().json();
    assert_eq!((ready["ready"].as_bool(), ready["relay"].as_str()), (Some(true), Some("polling")));
    assert!(about_nats() == 1 && !one.log().contains("panicked"), "{}", one.log());
    serving.abort();
    two.stop().await;
    assert!(one.stop().await.success());
}
