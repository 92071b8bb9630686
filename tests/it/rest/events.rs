//! The stream of events that operators follow: the history, what is new each second, and notices.

use fluent_backend::actors::Fault;
use fluent_backend::clock::Clock;
use fluent_backend::telemetry::ActorKind;
use fluent_backend::testing::{TestServer, TestSocket, eventually, soon};
use serde_json::{Value, json};

use crate::support::events::EventStream;
use crate::support::local::Operator;

/// Readers at once.
const READERS: usize = 16;
/// The lists of the history, beside the waits of the actors.
const SERIES: [&str; 7] =
    ["sockets", "messages_per_s", "commit_p50_ms", "commit_p99_ms", "rss_bytes", "cpu_cores", "refused_per_s"];

async fn read_token(server: &TestServer) -> String {
    let body = json!({"name": "page", "scope": "read"});
    let made = Operator::of(server).await.post("/admin/api/tokens", body).await;
    made["secret"].as_str().unwrap().to_owned()
}

/// The history, whose lists are all of the same length.
fn checked_history(snapshot: &Value) -> usize {
    let history = &snapshot["history"];
    let length = history["sockets"].as_array().unwrap().len();
    let waits = history["mailbox_wait_p99_ms"].as_object().unwrap();
    assert!(waits.contains_key("registry") && waits.contains_key("persistence"), "{history}");
    for list in SERIES.iter().map(|name| &history[*name]).chain(waits.values()) {
        assert_eq!(list.as_array().map(Vec::len), Some(length), "{history}");
    }
    assert_eq!(history["every_ms"], 1000);
    length
}

/// The clock is the test's: a second ends when it says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_is_told_of_the_history_and_then_of_each_second() {
    let start = Clock::system().now();
    let clock = Clock::stopped_at(start);
    let server = TestServer::start_on(fluent_backend::testing::TestData::of_one().await, clock.clone(), |_| {}).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let mut socket = alice.connect().await;
    let token = read_token(&server).await;
    let mut stream = EventStream::open(&server, "", &token).await;
    assert_eq!(stream.status(), 200);
    let snapshot = stream.next().await.unwrap();
    assert_eq!((snapshot.name.as_str(), snapshot.id), ("snapshot", None));
    assert_eq!(snapshot.data["overview"]["ready"], true, "{}", snapshot.data);
    checked_history(&snapshot.data);

    // The monitor looks each second of the machine; its first look begins the first second.
    let first = loop {
        clock.advance_secs(1);
        let ticked = tokio::time::timeout(std::time::Duration::from_secs(3), stream.next_named("tick")).await;
        if let Ok(tick) = ticked {
            break tick;
        }
    };
    for number in 0..3 {
        socket.send_message(bob.id, &format!("r{number}"), "s").await;
        socket.next_message().await;
    }
    clock.advance_secs(1);
    let tick = stream.next_named("tick").await;
    assert_eq!(tick.id, first.id.map(|id| id + 1));
    assert_eq!(tick.data["at"], clock.now().to_string());
    assert_eq!(
        (&tick.data["sockets"], &tick.data["ready"], &tick.data["draining"]),
        (&json!(1), &json!(true), &json!(false))
    );
    // Other servers of this process count with it.
    assert!(tick.data["messages_per_s"].as_f64().unwrap() >= 3.0, "{}", tick.data);
    let actors = tick.data["actors"].as_array().unwrap();
    let registry = actors.iter().find(|row| row[0] == "registry").unwrap();
    assert_eq!((&registry[1], registry.as_array().unwrap().len()), (&json!("running"), 4));
    // Whoever comes now finds both seconds, and is then told of the next.
    let mut late = EventStream::local(&server, "?every_ms=1000").await;
    let snapshot = late.next().await.unwrap();
    assert!(checked_history(&snapshot.data) >= 2, "{}", snapshot.data);
    assert_eq!(snapshot.data["history"]["to"], clock.now().to_string());
    // Seconds that nobody has seen are empty.
    clock.advance_secs(5);
    assert_eq!(late.next_named("tick").await.id, tick.id.map(|id| id + 5));
    let mut last = EventStream::local(&server, "").await;
    let sockets = last.next().await.unwrap().data["history"]["sockets"].clone();
    let end: Vec<&Value> = sockets.as_array().unwrap().iter().rev().take(6).collect();
    assert_eq!(end, [&json!(1), &Value::Null, &Value::Null, &Value::Null, &Value::Null, &json!(1)]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fast_reader_sees_the_actors_several_times_a_second() {
    let server = TestServer::start_alone(|_| {}).await;
    let mut stream = EventStream::local(&server, "?every_ms=250").await;
    let mut ids = Vec::new();
    while ids.len() < 6 {
        ids.extend(stream.next_named("tick").await.id);
    }
    assert!(ids.is_sorted(), "{ids:?}");
    ids.dedup();
    assert!(ids.len() < 6, "the same second comes again: {ids:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_that_stands_still_and_one_that_fails_are_given_notice_of() {
    let mut server = TestServer::start_alone(|config| config.admin.stuck_after_ms = 500).await;
    let health = server.server().health().clone();
    let mut stream = EventStream::local(&server, "?every_ms=10000").await;
    stream.next().await.unwrap();
    health.inflict(ActorKind::Persistence, Fault::Wedged);
    let stuck = stream.next_named("notice").await.data;
    assert_eq!((&stuck["kind"], &stuck["level"]), (&json!("actor_stuck"), &json!("error")));
    let text = stuck["text"].as_str().unwrap();
    assert!(text.starts_with("persistence is stuck: it has worked on one message for"), "{text}");
    health.inflict(ActorKind::Persistence, Fault::None);
    let works = stream.next_named("notice").await.data;
    assert_eq!((&works["kind"], &works["level"]), (&json!("actor_works"), &json!("info")));
    server.expect_failures(1);
    health.inflict(ActorKind::Persistence, Fault::Panics);
    let restarted = stream.next_named("notice").await.data;
    assert_eq!(restarted["kind"], "actor_restarted");
    assert!(restarted["text"].as_str().unwrap().contains("panicked on request of a test"), "{restarted}");
    // Whoever comes later is told of them, too.
    let snapshot = EventStream::local(&server, "").await.next().await.unwrap().data;
    let kinds: Vec<&Value> = snapshot["notices"].as_array().unwrap().iter().map(|notice| &notice["kind"]).collect();
    assert_eq!(kinds, ["actor_stuck", "actor_works", "actor_restarted"]);
    server.stop().await;
}

/// It names no whole address.
#[tokio::test(flavor = "multi_thread")]
async fn a_ban_is_given_notice_of() {
    let server = TestServer::start_alone(|config| {
        config.limits.enabled = true;
        config.bans.exempt.clear();
        config.bans.forged_handshakes = 3;
    })
    .await;
    let mut stream = EventStream::local(&server, "?every_ms=10000").await;
    stream.next().await.unwrap();
    for _ in 0..3 {
        let refused = TestSocket::open(server.addr(), "/chat/ws?token=forged", None).await;
        assert!(refused.is_err(), "there is no such token");
    }
    let banned = stream.next_named("notice").await.data;
    assert_eq!((&banned["kind"], &banned["level"]), (&json!("ban"), &json!("warn")));
    let text = banned["text"].as_str().unwrap();
    assert!(text.starts_with("the network 127.0.0.0/24 is banned until "), "{text}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_may_follow_and_the_next_one_is_told_why_not() {
    let server = TestServer::start_alone(|_| {}).await;
    let token = read_token(&server).await;
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut reader = EventStream::open(&server, "", &token).await;
        assert_eq!(reader.next().await.unwrap().name, "snapshot");
        readers.push(reader);
    }
    let refused = EventStream::open(&server, "", &token).await;
    assert_eq!(refused.status(), 503);
    let problem = refused.problem().await;
    assert_eq!(problem["code"], "unavailable");
    assert!(problem["detail"].as_str().unwrap().contains("readers"), "{problem}");
    // The server learns that one has gone when it has something for it.
    readers.pop();
    let room = async || (EventStream::open(&server, "", &token).await.status() == 200).then_some(());
    eventually("there is room again", room).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends_each_stream_also_that_of_a_reader_who_does_not_read() {
    let server = TestServer::start_alone(|_| {}).await;
    let mut reader = EventStream::local(&server, "").await;
    let idle = EventStream::local(&server, "").await;
    assert_eq!(reader.next().await.unwrap().name, "snapshot");
    let reading = async {
        let bye = reader.next_named("bye").await;
        (bye.data, reader.next().await.is_none())
    };
    let ((), (bye, has_ended)) = soon("the server stops", async { tokio::join!(server.drain(), reading) }).await;
    assert_eq!((bye, has_ended), (json!({"reason": "draining"}), true));
    drop(idle);
}
