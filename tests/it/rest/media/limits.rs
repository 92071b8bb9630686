//! How much and how often a user may upload.

use fluent_backend::testing::{Answer, Http, TestServer, eventually};
use serde_json::{Value, json};

use super::{ask, begin_patch, create, header, patch, random, upload};
use crate::support::files;

fn limiter(answer: &Answer) -> String {
    assert_eq!(answer.problem(), (429, "rate_limited".to_owned()));
    assert!(header(answer, "retry-after").is_some());
    answer.json::<Value>()["limiter"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn uploads_are_counted_by_number_and_by_declared_bytes() {
    let server = files::start_alone(|config| {
        config.limits.enabled = true;
        config.limits.media.count.burst = 3;
        config.limits.media.bytes.burst = 1000;
        config.limits.media.bytes.per_s = 1;
        config.limits.media.link.burst = 1;
    })
    .await;
    let (alice, bob) = (server.sign_up("alice").await.http, server.sign_up("bob").await.http);
    let declare = async |size: u64| alice.post("/media", &json!({"size": size})).await;
    declare(600).await.ok();
    assert_eq!(limiter(&declare(600).await), "media.bytes");
    // The refused one does not count as an upload.
    declare(10).await.ok();
    declare(10).await.ok();
    assert_eq!(limiter(&declare(10).await), "media.count");
    let path = upload(&bob, &random(10)).await;
    let link = format!("{path}/link");
    bob.post(&link, &json!({})).await.ok();
    assert_eq!(limiter(&bob.post(&link, &json!({})).await), "media.link");
    server.stop().await;
}

#[tokio::test]
async fn a_user_has_so_many_files_bytes_and_unfinished_uploads() {
    let server = files::start_with(|config| {
        config.media.user_files = 4;
        config.media.user_bytes = 1000;
        config.media.max_bytes = 1000;
        config.media.pending_per_user = 2;
    })
    .await;
    let http = server.sign_up("alice").await.http;
    let declare = async |size: u64| http.post("/media", &json!({"size": size})).await;
    let (first, second) = (create(&http, 400).await, create(&http, 400).await);
    assert_eq!(declare(10).await.problem(), (403, "quota".to_owned()), "two are unfinished");
    patch(&http, &first, 0, random(400)).await.ok();
    assert_eq!(declare(300).await.problem().0, 403, "bytes count as they are declared");
    declare(100).await.ok();
    patch(&http, &second, 0, random(400)).await.ok();
    http.delete(&first).await.ok();
    upload(&http, &random(10)).await;
    upload(&http, &random(10)).await;
    let file = ("content-type", "application/octet-stream");
    assert_eq!(ask(&http, "POST", "/media", &[file], "x").await.problem().0, 403, "four are there");
    server.stop().await;
}

#[tokio::test]
async fn no_upload_takes_the_last_room_of_the_disk() {
    let server = TestServer::start_with(|config| config.media.min_free_bytes = 1 << 60).await;
    let http = server.sign_up("alice").await.http;
    let answer = http.post("/media", &json!({"size": 5})).await;
    assert_eq!(answer.problem(), (507, "unavailable".to_owned()));
    assert_eq!(header(&answer, "retry-after"), Some("60"));
    server.stop().await;
}

/// Uploads a small file ten times.
async fn ask_often(http: &Http, pairs: &[(&str, &str)]) -> Vec<Answer> {
    let mut answers = Vec::new();
    for _ in 0..10 {
        answers.push(ask(http, "POST", "/media", pairs, random(10)).await);
    }
    answers
}

#[tokio::test]
async fn few_transfers_run_at_once() {
    let server = files::start_alone(|config| {
        config.media.transfers_per_user = 1;
        config.media.transfers = 2;
    })
    .await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let carol = server.sign_up("carol").await;
    let file = ("content-type", "application/octet-stream");
    let path = create(&alice.http, 100).await;
    // A request that comes before the other one runs takes its place.
    let (stuck, refused) = eventually("the first one runs", || async {
        let stuck = begin_patch(&alice, &path, 0, 100, &random(10)).await;
        let answers = ask_often(&alice.http, &[file]).await;
        answers.into_iter().find(|answer| answer.status == 429).map(|answer| (stuck, answer))
    })
    .await;
    assert_eq!(limiter(&refused), "media.transfers");
    // Without bytes nothing is transferred, and all else goes on.
    alice.http.post("/media", &json!({"size": 5})).await.ok();
    alice.http.get("/chat/chat_list").await.ok();
    let bobs = create(&bob.http, 100).await;
    let (also_stuck, crowded) = eventually("the second one runs", || async {
        let stuck = begin_patch(&bob, &bobs, 0, 100, &random(10)).await;
        let answers = ask_often(&carol.http, &[file]).await;
        answers.into_iter().find(|answer| answer.status == 503).map(|answer| (stuck, answer))
    })
    .await;
    assert_eq!(crowded.problem(), (503, "unavailable".to_owned()));
    assert_eq!(header(&crowded, "retry-after"), Some("1"));
    drop((stuck, also_stuck));
    eventually("the places are free again", || async {
        let answer = ask(&carol.http, "POST", "/media", &[file], random(10)).await;
        (answer.status == 201).then_some(())
    })
    .await;
    server.stop().await;
}
