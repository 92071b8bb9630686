//! Files in a bucket: parts and pieces, what is left of them, and a service that fails.

use bytes::Bytes;
use fluent_backend::clock::Clock;
use fluent_backend::domain::Timestamp;
use fluent_backend::testing::{TestClient, TestServer, eventually};
use tokio::io::AsyncWriteExt as _;

use super::{ask, begin_patch, create, hex, offset, patch, random, upload};
use crate::support::raw::read_answer;
use crate::support::s3::{Fault, S3Double};

const MIB: usize = 1024 * 1024;
/// Bytes of a part.
const PART: usize = 8 * MIB;

/// Starts a server whose files are in a bucket.
async fn start() -> (TestServer, S3Double, TestClient) {
    let mut double = None;
    let server = TestServer::start_alone(|config| {
        double = Some(in_bucket(config));
    });
    let server = Box::pin(server).await;
    let alice = server.sign_up("alice").await;
    (server, double.unwrap(), alice)
}

fn in_bucket(config: &mut fluent_backend::Config) -> S3Double {
    let double = S3Double::start(config.server.data_dir.parent().unwrap());
    double.configure(config);
    // No disk has so much, and none is asked.
    config.media.min_free_bytes = 1 << 60;
    double
}

async fn range(client: &TestClient, path: &str, from: usize, to: usize) -> Bytes {
    let answer = ask(&client.http, "GET", path, &[("range", &format!("bytes={from}-{}", to - 1))], "").await;
    assert_eq!(answer.status, 206);
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_upload_is_kept_in_parts_and_pieces_and_ends_as_one_object() {
    let (server, double, alice) = start().await;
    let content = random(20 * MIB + 7);
    let path = create(&alice.http, content.len()).await;
    let mut at = 0;
    for end in [1, 3 * MIB, 3 * MIB + 1, 19 * MIB, content.len()] {
        assert_eq!(offset(&alice.http, &path).await, at);
        assert_eq!(patch(&alice.http, &path, at, content.slice(at..end)).await.status, 204);
        at = end;
    }
    assert!(alice.http.get(&path).await.body == content, "equal bytes");
    for (from, to) in [(0, 1), (PART - 1, PART + 1), (PART, 2 * PART), (content.len() - 1, content.len())] {
        assert!(range(&alice, &path, from, to).await == content[from..to], "{from} to {to}");
    }
    eventually("the pieces are gone", || async { (double.objects().len() == 1).then_some(()) }).await;
    assert_eq!(double.unfinished(), 0);
    assert_eq!((double.asked("uploads"), double.asked("partNumber=")), (1, 3), "three parts, each once");
    assert_eq!(double.asked("GET /files/a/b/up/"), 4, "a piece is read once, when its part is whole");
    alice.http.delete(&path).await.ok();
    eventually("nothing is left", || async { double.objects().is_empty().then_some(()) }).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_parts_become_few_pieces() {
    let (server, double, alice) = start().await;
    let content = random(40);
    let path = create(&alice.http, content.len()).await;
    for at in 0..content.len() {
        assert_eq!(patch(&alice.http, &path, at, content.slice(at..=at)).await.status, 204);
        assert!(double.objects().len() <= 17, "{}", double.objects().len());
    }
    assert_eq!(alice.http.get(&path).await.body, content);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_declared_leaves_nothing_in_the_bucket() {
    let (server, double, alice) = start().await;
    let content = random(PART + 100);
    let sha256 = hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &content).as_ref());
    let declare = async |digest: &str| {
        let body = serde_json::json!({"size": content.len(), "sha256": digest});
        let declared: serde_json::Value = alice.http.post("/media", &body).await.ok().json();
        declared["upload_url"].as_str().unwrap().to_owned()
    };
    for cut in [0, 5 * MIB] {
        let path = declare(&"0".repeat(64)).await;
        if cut > 0 {
            assert_eq!(patch(&alice.http, &path, 0, content.slice(..cut)).await.status, 204);
        }
        assert_eq!(patch(&alice.http, &path, cut, content.slice(cut..)).await.status, 422);
        assert_eq!(offset(&alice.http, &path).await, 0);
        eventually("no object is left", || async { double.objects().is_empty().then_some(()) }).await;
        assert_eq!(double.unfinished(), 0);
        let path = declare(&sha256).await;
        if cut > 0 {
            assert_eq!(patch(&alice.http, &path, 0, content.slice(..cut)).await.status, 204);
        }
        assert_eq!(patch(&alice.http, &path, cut, content.slice(cut..)).await.status, 204);
        assert!(alice.http.get(&path).await.body == content, "equal bytes");
        alice.http.delete(&path).await.ok();
        eventually("it is removed", || async { double.objects().is_empty().then_some(()) }).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_upload_leaves_no_parts() {
    let clock = Clock::stopped_at(Timestamp::from_micros(1_800_000_000_000_000));
    let mut double = None;
    let server = TestServer::start_at(clock.clone(), |config| {
        config.messages.clear_every_ms = 20;
        double = Some(in_bucket(config));
    });
    let (server, double) = (Box::pin(server).await, double.unwrap());
    let alice = server.sign_up("alice").await;
    let path = create(&alice.http, 20 * MIB).await;
    assert_eq!(patch(&alice.http, &path, 0, random(PART + 100)).await.status, 204);
    assert!(double.unfinished() > 0 && double.objects().len() == 1);
    // As long as the bucket is away nothing is forgotten.
    double.fail("", Fault::Refuse, usize::MAX);
    clock.advance_secs(86_401);
    eventually("its removal is tried", || async { (double.asked("DELETE") > 2).then_some(()) }).await;
    double.mend();
    eventually("nothing is left", || async { (double.unfinished() + double.objects().len() == 0).then_some(()) }).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_bucket_is_away_files_wait_and_then_go_on() {
    let mut double = None;
    let server = TestServer::start_alone(|config| {
        double = Some(in_bucket(config));
        config.media.s3.timeout_s = 2;
    });
    let (server, double) = (Box::pin(server).await, double.unwrap());
    let alice = server.sign_up("alice").await;
    let whole = upload(&alice.http, &random(100)).await;
    let content = random(PART + MIB);
    let path = create(&alice.http, content.len()).await;
    assert_eq!(patch(&alice.http, &path, 0, content.slice(..PART + 10)).await.status, 204);
    for fault in [Fault::Refuse, Fault::Hang, Fault::Answer(503, "<Code>SlowDown</Code>".to_owned())] {
        double.fail("", fault.clone(), usize::MAX);
        for answer in [
            patch(&alice.http, &path, PART + 10, content.slice(PART + 10..)).await,
            alice.http.get(&whole).await,
            ask(&alice.http, "POST", "/media", &[("content-type", "application/octet-stream")], "x").await,
        ] {
            assert_eq!(answer.problem(), (503, "unavailable".to_owned()), "{fault:?}");
            assert!(answer.headers.contains_key("retry-after"));
            assert!(!answer.text().contains("bucket"), "what is wrong is for operators");
        }
        double.mend();
        assert_eq!(offset(&alice.http, &path).await, PART + 10, "nothing is lost");
    }
    assert_eq!(patch(&alice.http, &path, PART + 10, content.slice(PART + 10..)).await.status, 204);
    assert!(alice.http.get(&path).await.body == content, "equal bytes");
    let metrics = server.admin().get("/metrics").await.text();
    let failures = crate::support::sample(&metrics, "fluent_media_bucket_failures_total{op=\"get\"}");
    assert!(failures.is_some_and(|count| count >= 3.0), "{failures:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_are_refused_and_right_ones_count_at_once() {
    let (server, double, alice) = start().await;
    let whole = upload(&alice.http, &random(100)).await;
    double.change_secret("another one");
    assert_eq!(alice.http.get(&whole).await.problem().0, 503);
    double.change_secret("");
    assert_eq!(alice.http.get(&whole).await.status, 200, "a file is not lost because nobody may read it");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_and_not_answered_is_done_again() {
    let (server, double, alice) = start().await;
    let content = random(PART + MIB);
    for part in ["partNumber=1", "partNumber=2", "POST /files/a/b", "PUT /files/a/b/up/", "DELETE"] {
        double.fail(part, Fault::LoseAnswer, 1);
        let path = create(&alice.http, content.len()).await;
        let mut at = 0;
        for end in [MIB, content.len()] {
            let answer = patch(&alice.http, &path, at, content.slice(at..end)).await;
            // What could not be repeated is refused, and goes on.
            assert!(answer.status == 204 || answer.status == 503, "{part}: {}", answer.text());
            at = end;
        }
        let kept = offset(&alice.http, &path).await;
        if kept < content.len() {
            assert_eq!(patch(&alice.http, &path, kept, content.slice(kept..)).await.status, 204, "{part}");
        }
        assert!(alice.http.get(&path).await.body == content, "{part}");
        alice.http.delete(&path).await.ok();
        double.mend();
    }
    eventually("nothing is left", || async { double.objects().is_empty().then_some(()) }).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_the_bucket_has_forgotten_begins_anew() {
    let (server, double, alice) = start().await;
    let content = random(PART + 10);
    let path = create(&alice.http, content.len()).await;
    assert_eq!(patch(&alice.http, &path, 0, content.slice(..PART)).await.status, 204);
    let gone = "<Error><Code>NoSuchUpload</Code><Message>It is over.</Message></Error>";
    double.fail("partNumber=2", Fault::Answer(404, gone.to_owned()), 1);
    assert_eq!(patch(&alice.http, &path, PART, content.slice(PART..)).await.status, 503);
    assert_eq!(offset(&alice.http, &path).await, 0);
    assert_eq!(patch(&alice.http, &path, 0, content.clone()).await.status, 204);
    assert!(alice.http.get(&path).await.body == content, "equal bytes");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_with_a_wrong_checksum_leaves_the_upload_as_it_was() {
    let (server, double, alice) = start().await;
    let content = random(2 * PART);
    let path = create(&alice.http, content.len()).await;
    assert_eq!(patch(&alice.http, &path, 0, content.slice(..100)).await.status, 204);
    let pairs = [
        ("tus-resumable", "1.0.0"),
        ("upload-offset", "100"),
        ("content-type", super::PART),
        ("upload-checksum", "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ];
    let other = random(PART + 100);
    assert_eq!(ask(&alice.http, "PATCH", &path, &pairs, other).await.status, 460);
    assert_eq!(offset(&alice.http, &path).await, 100);
    // Some of a part, and then its end is cut off.
    let mut cut = begin_patch(&alice, &path, 100, content.len() - 100, &content[100..PART + 5]).await;
    cut.shutdown().await.unwrap();
    let _ = read_answer(&mut cut).await;
    eventually("what came is kept", || async { (offset(&alice.http, &path).await == PART + 5).then_some(()) }).await;
    assert_eq!(patch(&alice.http, &path, PART + 5, content.slice(PART + 5..)).await.status, 204);
    assert!(alice.http.get(&path).await.body == content, "equal bytes");
    assert_eq!(double.asked("partNumber=1"), 2);
    server.stop().await;
}
