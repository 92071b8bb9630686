//! A writer that dies in the middle of its work: everything it had committed is announced, once and in order.

use std::collections::BTreeSet;

use fluent_backend::testing::{TestServer, send_frame};
use serde_json::{Value, json};

use crate::support::v1::{live, two_users};

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_fails_loses_and_repeats_nothing() {
    const MESSAGES: usize = 600;
    const CRASHES: usize = 3;
    let mut server = TestServer::start_alone(|_| {}).await;
    server.expect_failures(CRASHES as u64);
    let (alice, bob) = two_users(&server).await;
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let mut legacy = bob.connect().await;
    let receiving = async {
        let mut seen: Vec<(i64, String)> = Vec::new();
        while seen.len() < MESSAGES {
            let frame = b.next().await;
            if frame["type"] == "message" {
                seen.push((frame["seq"].as_i64().unwrap(), frame["content"].as_str().unwrap().to_owned()));
            }
        }
        seen
    };
    let receiving_legacy = async {
        let mut seen = BTreeSet::new();
        while seen.len() < MESSAGES {
            assert!(seen.insert(legacy.next_message().await.content), "twice");
        }
    };
    let sending = async {
        let mut open: BTreeSet<String> = (0..MESSAGES).map(|i| i.to_string()).collect();
        let (mut crashes, mut last) = (0, 0);
        while !open.is_empty() {
            let window: Vec<String> = open.iter().take(40).cloned().collect();
            for name in &window {
                a.send(&send_frame(bob.id, name)).await;
            }
            if crashes < CRASHES && open.len() < MESSAGES - crashes * 150 {
                crashes += 1;
                server.server().actors().persistence.crash();
            }
            let mut waiting: BTreeSet<String> = window.into_iter().collect();
            while !waiting.is_empty() {
                let frame = a.next().await;
                // What was committed, but not answered, comes as news.
                if let Some(seq) = frame["seq"].as_i64().filter(|_| frame["duplicate"] != true) {
                    assert!(seq > last, "{frame} after {last}");
                    last = seq;
                }
                let name = frame["client_id"].as_str().unwrap().to_owned();
                match frame["type"].as_str().unwrap() {
                    "stored" => open.remove(&name) & waiting.remove(&name),
                    "error" => {
                        assert_eq!(frame["code"], "unavailable", "{frame}");
                        waiting.remove(&name)
                    }
                    _ => true,
                };
            }
        }
    };
    let (seen, (), ()) = tokio::join!(receiving, receiving_legacy, sending);
    assert!(seen.is_sorted_by(|x, y| x.0 < y.0), "{seen:?}");
    let contents: BTreeSet<&String> = seen.iter().map(|(_, content)| content).collect();
    assert_eq!(contents.len(), MESSAGES, "each once");
    let list: Vec<Value> = bob.http.get("/chat/conversations").await.ok().json();
    assert_eq!(list[0]["unread"], json!(MESSAGES));
    server.stop().await;
}
