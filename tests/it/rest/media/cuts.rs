//! A large upload that is cut off again and again, once by the end of the server's process.

use bytes::Bytes;
use fluent_backend::testing::{TestClient, eventually};
use rand::RngExt as _;

use super::{ask, begin_patch, create, header, random};
use crate::support::binary::ServerProcess;
use crate::support::files;

/// `FLUENT_MEDIA_MIB` for more.
const MIB: usize = 32;
const CUTS: usize = 5;
/// At most so many bytes are sent again after the process has ended.
const MARK: usize = 8 * 1024 * 1024;

/// Sends some bytes from the present offset on, cuts the connection, and waits until some of them are kept.
async fn send_and_cut(client: &TestClient, path: &str, content: &Bytes, count: usize) {
    let at = offset_of(client, path).await;
    let end = (at + count).min(content.len() - 1);
    drop(begin_patch(client, path, at, content.len() - at, &content[at..end]).await);
    eventually("what came before the cut is noted", || async {
        let offset = offset_of(client, path).await;
        assert!(offset <= end);
        (offset > at).then_some(())
    })
    .await;
}

async fn offset_of(client: &TestClient, path: &str) -> usize {
    let answer = ask(&client.http, "HEAD", path, &[("tus-resumable", "1.0.0")], "").await;
    header(&answer, "upload-offset").unwrap().parse().unwrap()
}

/// Reads the file by ranges of random lengths.
async fn read_by_ranges(client: &TestClient, path: &str, size: usize) -> Vec<u8> {
    let mut read = Vec::with_capacity(size);
    while read.len() < size {
        let end = read.len() + rand::rng().random_range(1..=size / 4);
        let range = format!("bytes={}-{}", read.len(), end - 1);
        let answer = ask(&client.http, "GET", path, &[("range", &range)], "").await;
        assert_eq!(answer.status, 206);
        read.extend_from_slice(&answer.body);
    }
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_survives_cuts_and_the_end_of_the_server() {
    let mib = std::env::var("FLUENT_MEDIA_MIB").ok().and_then(|text| text.parse().ok()).unwrap_or(MIB);
    let content = random(mib << 20);
    let dir = tempfile::tempdir().unwrap();
    let variables = files::of_process(dir.path());
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let variables = [&[("FLUENT__MEDIA__MIN_FREE_BYTES", "0")], &variables[..]].concat();
    let server = ServerProcess::start(dir.path(), &variables).await;
    let mut alice = TestClient::sign_up(server.http(), "alice").await;
    let path = create(&alice.http, content.len()).await;
    for _ in 0..CUTS {
        let count = rand::rng().random_range(1..=content.len() / 8);
        send_and_cut(&alice, &path, &content, count).await;
    }

    let at = offset_of(&alice, &path).await;
    let end = (at + 12 * 1024 * 1024).min(content.len() - 1);
    let open = begin_patch(&alice, &path, at, content.len() - at, &content[at..end]).await;
    server.kill().await;
    drop(open);
    let server = ServerProcess::start(dir.path(), &variables).await;
    alice = TestClient::log_in(server.http(), "alice", alice.id).await;
    let kept = offset_of(&alice, &path).await;
    // What the process had not read from the connection counts as well.
    assert!(kept >= at && kept <= end, "{at} {kept} {end}");
    let answer = super::patch(&alice.http, &path, kept, content.slice(kept..)).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert!(read_by_ranges(&alice, &path, content.len()).await == content, "equal bytes");
    eventually("only the file is left", || async { (files::count(&dir.path().join("data")) == 1).then_some(()) }).await;
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_offset_is_noted_while_bytes_come() {
    let content = random(2 * MARK + 1000);
    let dir = tempfile::tempdir().unwrap();
    let variables = files::of_process(dir.path());
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let variables = [&[("FLUENT__MEDIA__MIN_FREE_BYTES", "0")], &variables[..]].concat();
    let server = ServerProcess::start(dir.path(), &variables).await;
    let mut alice = TestClient::sign_up(server.http(), "alice").await;
    let path = create(&alice.http, content.len()).await;
    let open = begin_patch(&alice, &path, 0, content.len(), &content[..2 * MARK + 500]).await;
    // A lively upload is not disturbed by the question.
    eventually("16 MiB are noted", || async { (offset_of(&alice, &path).await >= 2 * MARK).then_some(()) }).await;
    server.kill().await;
    drop(open);
    let server = ServerProcess::start(dir.path(), &variables).await;
    alice = TestClient::log_in(server.http(), "alice", alice.id).await;
    assert!(offset_of(&alice, &path).await >= 2 * MARK, "it holds over the end of the process");
    assert!(server.stop().await.success());
}
