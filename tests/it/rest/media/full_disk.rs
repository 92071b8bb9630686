//! A disk that fills up in the middle of an upload.

use fluent_backend::testing::TestClient;

use super::{create, header, offset, patch, random};
use crate::support::binary::ServerProcess;

const MIB: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_before_the_disk_was_full_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start_with_full_disk(dir.path(), 64 * 1024).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let content = random(12 * MIB);
    let path = create(&alice.http, content.len()).await;
    server.limit_growth(8 * 1024);
    let answer = patch(&alice.http, &path, 0, content.clone()).await;
    assert_eq!(answer.problem(), (507, "unavailable".to_owned()));
    assert_eq!(header(&answer, "retry-after"), Some("60"));
    let kept = offset(&alice.http, &path).await;
    assert_eq!(kept, 8 * MIB, "whole blocks");
    server.lift_limit();
    assert_eq!(patch(&alice.http, &path, kept, content.slice(kept..)).await.status, 204);
    assert!(alice.http.get(&path).await.body == content, "equal bytes");
    assert!(server.stop().await.success());
}
