//! Several requests for one upload: the newest goes on, and a phone is not locked out by its own past.

use fluent_backend::testing::eventually;
use tokio::io::AsyncWriteExt as _;

use super::{ask, begin_patch, create, header, offset, patch, random};
use crate::support::files;
use crate::support::raw::{read_answer, read_to_end};

#[tokio::test]
async fn a_newer_part_goes_on_where_the_older_one_was_stopped() {
    let server = files::start_alone(|_| {}).await;
    let alice = server.sign_up("alice").await;
    let content = random(300_000);
    let path = create(&alice.http, content.len()).await;
    let (mut stuck, at) = eventually("its first bytes are written", || async {
        let stuck = begin_patch(&alice, &path, 0, content.len(), &content[..200_000]).await;
        // At another offset than any, so that nothing is written: the older one is stopped all the same.
        let answer = patch(&alice.http, &path, 999_999, "x").await;
        assert_eq!(answer.problem().0, 409);
        let at: usize = header(&answer, "upload-offset")?.parse().ok()?;
        (at > 0).then_some((stuck, at))
    })
    .await;
    let answer = read_answer(&mut stuck).await;
    let told = answer.header("upload-offset").map(str::to_owned);
    assert_eq!((answer.status(), told), (409, Some(at.to_string())), "{}", answer.text());
    assert_eq!(patch(&alice.http, &path, at, content.slice(at..)).await.status, 204);
    assert_eq!(alice.http.get(&path).await.body, content);
    server.stop().await;
}

#[tokio::test]
async fn a_question_for_the_offset_disturbs_no_lively_upload_and_ends_a_silent_one() {
    let server = files::start_alone(|_| {}).await;
    let alice = server.sign_up("alice").await;
    let content = random(100_000);
    let path = create(&alice.http, content.len()).await;
    let mut lively = begin_patch(&alice, &path, 0, content.len(), &content[..50_000]).await;
    assert_eq!(offset(&alice.http, &path).await, 0, "what is noted");
    lively.write_all(&content[50_000..]).await.unwrap();
    assert_eq!(read_answer(&mut lively).await.status(), 204);

    let path = create(&alice.http, content.len()).await;
    let mut silent = begin_patch(&alice, &path, 0, content.len(), &content[..50_000]).await;
    eventually("the silent one is stopped", || async { (offset(&alice.http, &path).await == 50_000).then_some(()) })
        .await;
    assert_eq!(read_answer(&mut silent).await.status(), 409);
    server.stop().await;
}

#[tokio::test]
async fn what_came_before_a_cut_is_kept() {
    let server = files::start_alone(|_| {}).await;
    let alice = server.sign_up("alice").await;
    let content = random(100_000);
    let path = create(&alice.http, content.len()).await;
    let cut = begin_patch(&alice, &path, 0, content.len(), &content[..70_000]).await;
    drop(cut);
    eventually("what came is kept", || async { (offset(&alice.http, &path).await == 70_000).then_some(()) }).await;
    patch(&alice.http, &path, 70_000, content.slice(70_000..)).await.ok();
    assert_eq!(alice.http.get(&path).await.body, content);
    server.stop().await;
}

#[tokio::test]
async fn a_body_without_a_length_ends_where_the_file_ends() {
    let server = files::start_alone(|_| {}).await;
    let alice = server.sign_up("alice").await;
    let path = create(&alice.http, 10).await;
    let chunked = async |offset: usize, chunks: &str| {
        let mut stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
        let head = format!(
            "PATCH {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
             Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\n\
             Transfer-Encoding: chunked\r\n\r\n{chunks}",
            alice.tokens.access_token
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await.unwrap()
    };
    assert_eq!(chunked(0, "5\r\nhello\r\n0\r\n\r\n").await.header("upload-offset"), Some("5"));
    assert_eq!(chunked(5, "9\r\nworldwide\r\n0\r\n\r\n").await.status(), 413);
    assert_eq!(alice.http.get(&path).await.text(), "helloworld", "what fitted is kept");
    server.stop().await;
}

#[tokio::test]
async fn an_early_refusal_reaches_who_is_still_sending() {
    let server = files::start_alone(|_| {}).await;
    let alice = server.sign_up("alice").await;
    let path = create(&alice.http, 500_000).await;
    let content = random(500_000);
    for _ in 0..20 {
        let answer = patch(&alice.http, &path, 7, content.clone()).await;
        assert_eq!((answer.problem().0, header(&answer, "upload-offset")), (409, Some("0")));
    }
    // A client that waits for an invitation gets the refusal in its place.
    let pairs = [("expect", "100-continue"), ("upload-offset", "7"), ("tus-resumable", "1.0.0")];
    let answer = ask(&alice.http, "PATCH", &path, &pairs, "").await;
    assert_eq!(answer.problem().0, 415);
    server.stop().await;
}
