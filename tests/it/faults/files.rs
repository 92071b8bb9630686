//! No file descriptor is left for new connections.

use fluent_backend::testing::{TestClient, soon};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::binary::ServerProcess;
use crate::support::v1::{exchange, live};

#[tokio::test(flavor = "multi_thread")]
async fn who_is_there_goes_on_and_who_comes_waits() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    let (alice, bob) =
        (TestClient::sign_up(server.http(), "alice").await, TestClient::sign_up(server.http(), "bob").await);
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    server.forbid_files();
    let mut late = Vec::new();
    for _ in 0..20 {
        // The kernel accepts for the server, which cannot take them.
        let mut stream = soon("a connection", TcpStream::connect(server.addr)).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        late.push(stream);
    }
    // Long enough for many attempts to accept them.
    for number in 0..300 {
        exchange(&mut a, &mut b, &number.to_string()).await;
    }
    let told = async || (server.log().contains("cannot accept connections")).then_some(());
    fluent_backend::testing::eventually("it is told", told).await;
    server.allow_files();
    for mut stream in late {
        let mut answer = String::new();
        soon("an answer", stream.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    exchange(&mut a, &mut b, "after").await;
    assert_eq!(server.log().matches("cannot accept connections").count(), 1, "{}", server.log());
    assert!(server.stop().await.success());
}
