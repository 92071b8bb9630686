//! The length of a compressed response does not reveal whether a stranger's text repeats a secret one in it, since
//! compression replaces no repetitions.

use std::io::Read as _;

use fluent_backend::testing::{Answer, Http, TestServer, share_instance_key};
use http::{HeaderMap, Method};

use crate::support::v1::stopped_clock;

/// Compressed, as a client without a library would ask.
async fn gzipped(http: &Http, path: &str, codings: &str) -> Answer {
    let headers: HeaderMap = [(http::header::ACCEPT_ENCODING, codings.parse().unwrap())].into_iter().collect();
    http.send(Method::GET, path, headers, bytes::Bytes::new()).await.ok()
}

/// The chat list of a user whose partner has this name, after a stranger has written `guess`, and its compressed
/// length.
async fn chat_list(partner: &str, guess: &str) -> (String, usize) {
    // With the same key the tokens for reports are the same, too.
    let same_key = |config: &mut fluent_backend::Config| share_instance_key(&config.server.data_dir);
    let server = TestServer::start_at(stopped_clock(), same_key).await;
    let victim = server.sign_up("victim").await;
    let (partner, stranger) = (server.sign_up(partner).await, server.sign_up("stranger").await);
    let mut socket = victim.connect().await;
    for from in [&partner, &stranger] {
        from.connect().await.send_message(victim.id, &guess.repeat(12), "s").await;
        socket.next_message().await;
    }
    let answer = gzipped(&victim.http, "/chat/chat_list", "gzip").await;
    assert_eq!(answer.headers["content-encoding"], "gzip");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&answer.body[..]).read_to_string(&mut text).unwrap();
    server.stop().await;
    (text, answer.body.len())
}

#[tokio::test]
async fn the_length_of_a_chat_list_does_not_depend_on_a_repeated_text() {
    // The same letters in another order: what remains is how often each letter occurs.
    let (right, wrong) = ("konstantinopolis@example.org", "gro.elpmaxe@siloponitnatsnok");
    let ((with_right, right_len), (with_wrong, wrong_len)) =
        (chat_list(right, right).await, chat_list(right, wrong).await);
    assert_eq!(with_right.replace(right, wrong), with_wrong.replace(right, wrong), "they differ in the guess alone");
    assert_eq!(right_len, wrong_len);
}

/// A code for single letters cannot be shorter than their entropy; one that finds repetitions is, by far.
#[tokio::test]
async fn repetitions_are_not_looked_for() {
    let server = TestServer::start().await;
    for name in ["alice", "bob", "carol", "dave", "erin"] {
        server.sign_up(&format!("{name}@{}org", "konstantinopolis.".repeat(12))).await;
    }
    let answer = gzipped(&server.http(), "/auth/get_all_users?search=", "gzip").await;
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&answer.body[..]).read_to_end(&mut text).unwrap();
    let mut counts = [0_u32; 256];
    for &byte in &text {
        counts[usize::from(byte)] += 1;
    }
    let total = f64::from(counts.iter().sum::<u32>());
    let bits: f64 = counts.iter().filter(|&&n| n > 0).map(|&n| f64::from(n) * (total / f64::from(n)).log2()).sum();
    let length = f64::from(u32::try_from(answer.body.len()).unwrap());
    assert!(length * 8.0 >= bits, "{length} bytes for {} bits", bits.round());
    assert!(length < total, "it is compressed at all: {length} of {total}");
    server.stop().await;
}

#[tokio::test]
async fn an_answer_is_compressed_only_for_who_takes_it() {
    let server = TestServer::start().await;
    for i in 0..20 {
        server.sign_up(&format!("a-rather-long-name-of-somebody-{i}")).await;
    }
    let path = "/auth/get_all_users?search=";
    for codings in ["gzip", "GZIP", "br, gzip;q=0.5", "x-gzip", "*", "deflate, gzip;q=1.0, *;q=0.5"] {
        let answer = gzipped(&server.http(), path, codings).await;
        assert_eq!(answer.headers["content-encoding"], "gzip", "{codings}");
        assert_eq!(answer.headers["vary"], "accept-encoding", "{codings}");
    }
    for codings in ["identity", "gzip;q=0", "gzip;q=0.000, *", "br", "*;q=0", "gzipped"] {
        let answer = gzipped(&server.http(), path, codings).await;
        assert!(!answer.headers.contains_key("content-encoding"), "{codings}");
        assert_eq!(answer.json::<Vec<serde_json::Value>>().len(), 20);
    }
    let short = gzipped(&server.http(), "/root", "gzip").await;
    assert!(!short.headers.contains_key("content-encoding"));
    server.stop().await;
}
