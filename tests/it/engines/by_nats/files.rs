//! Files of several servers in one bucket, without a directory that they share.

use fluent_backend::testing::eventually;

use super::{at, server};
use crate::rest::media::{create, offset, patch, random};
use crate::support::nats::nats;
use crate::support::postgres::database;
use crate::support::s3::S3Double;

const MIB: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn any_server_takes_any_part_of_an_upload_and_reads_the_file() {
    let Some(database) = database().await else { return };
    let Some(nats) = nats().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let bucket = S3Double::start(dir.path());
    let settings = |config: &mut fluent_backend::Config| bucket.configure(config);
    let (one, two) = (server(&database, &nats.url(), settings).await, server(&database, &nats.url(), settings).await);
    let alice = one.sign_up("alice").await;
    let clients = [alice.http.clone(), at(&two, &alice).await.http];
    let content = random(20 * MIB);
    let path = create(&clients[0], content.len()).await;
    let mut at = 0;
    for (turn, end) in [MIB, 9 * MIB, 9 * MIB + 1, 17 * MIB, content.len()].into_iter().enumerate() {
        let http = &clients[turn % 2];
        assert_eq!(offset(http, &path).await, at);
        let answer = patch(http, &path, at, content.slice(at..end)).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        at = end;
    }
    for http in &clients {
        assert!(http.get(&path).await.body == content, "equal bytes");
    }
    clients[1].delete(&path).await.ok();
    eventually("nothing is left", || async { bucket.objects().is_empty().then_some(()) }).await;
    one.stop().await;
    two.stop().await;
}
