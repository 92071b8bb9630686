//! Files that come and go while messages flow.

use super::{random, upload};
use crate::support::files;

/// More than what is noted at once, so that the upload goes through several steps.
const BYTES: usize = 12 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn files_give_way_to_messages_and_still_come_and_go() {
    let server = files::start_with(|config| config.limits.enabled = false).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (mut sender, _) = alice.live_device("a", None).await;
    // Before the first byte.
    sender.store(bob.id, "hello").await;
    let content = random(BYTES);
    let mut moving = std::pin::pin!(async {
        let path = upload(&alice.http, &content).await;
        let read = alice.http.get(&path).await;
        assert!(read.body == content, "equal bytes");
        assert_eq!(alice.http.delete(&path).await.status, 204);
    });
    let mut messages = 0;
    loop {
        tokio::select! {
            () = &mut moving => break,
            _ = sender.store(bob.id, "hello") => messages += 1,
        }
    }
    assert!(messages > 0, "they flowed");
    server.stop().await;
}
