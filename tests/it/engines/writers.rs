//! Several servers write to one PostgreSQL at once: a device that follows a cursor misses nothing, whichever server it
//! asks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fluent_backend::testing::{TestClient, TestData, send_frame, share_instance_key};
use futures_util::future::join_all;
use serde_json::Value;

use crate::support::binary::ServerProcess;
use crate::support::kept::Kept;
use crate::support::postgres::database;
use crate::support::v1::{integer, seq};

const PROCESSES: usize = 4;
const SENDERS: usize = 6;
const MESSAGES: usize = 60;
/// Sent before the first answer is awaited.
const WINDOW: usize = 10;
const SECRET: (&str, &str) = ("SECRET_KEY", "one secret for all the servers, long enough");

/// Sends to `to` as fast as the answers come; returns what was stored.
async fn write(user: TestClient, to: i32) -> Vec<Value> {
    let (mut device, _) = user.live_device("sender", None).await;
    let (mut sent, mut stored) = (0, Vec::new());
    while stored.len() < MESSAGES {
        while sent < MESSAGES && sent - stored.len() < WINDOW {
            device.send(&send_frame(to, &format!("{}-{sent}", user.id))).await;
            sent += 1;
        }
        stored.push(device.read_until("stored").await.1);
    }
    stored
}

/// Asks one server after the other for what comes after the cursor; every event, in the order in which it was told.
async fn follow(readers: &[TestClient], from: String, is_over: &AtomicBool) -> Vec<Value> {
    let (mut cursor, mut told) = (from, Vec::new());
    for reader in readers.iter().cycle() {
        let was_over = is_over.load(Ordering::Acquire);
        let page: Value = reader.http.get(&format!("/chat/sync?since={cursor}&limit=100")).await.ok().json();
        let events = page["events"].as_array().unwrap();
        if events.is_empty() && was_over {
            break;
        }
        told.extend(events.iter().cloned());
        page["cursor"].as_str().unwrap().clone_into(&mut cursor);
    }
    told
}

/// A device that comes back again and again at its cursor, each time to a server that writes nothing itself.
async fn come_back(reader: &TestClient, is_over: &AtomicBool) -> Kept {
    let mut kept = Kept::nothing("returning");
    loop {
        let was_over = is_over.load(Ordering::Acquire);
        let mut device = kept.open(reader).await;
        kept.catch_up(&mut device).await;
        device.socket.close().await;
        if was_over {
            return kept;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_appears_behind_a_cursor_while_four_processes_write() {
    let Some(database) = database().await else { return };
    let data = TestData::postgres(database);
    // All start on an empty database: one migrates, the others wait. The last one writes nothing.
    let dirs: Vec<_> = (0..=PROCESSES).map(|_| tempfile::tempdir().unwrap()).collect();
    let starting = dirs.iter().map(|dir| {
        let data = &data;
        share_instance_key(&dir.path().join("data"));
        async move { ServerProcess::start(dir.path(), &[SECRET, ("DATABASE_URL", data.url())]).await }
    });
    let servers = join_all(starting).await;
    let reader = TestClient::sign_up(servers[0].http(), "reader").await;
    let readers: Vec<TestClient> =
        join_all(servers.iter().map(|server| TestClient::log_in(server.http(), "reader", reader.id))).await;
    let start: Value = readers[0].http.get("/chat/sync").await.ok().json();
    let start = start["cursor"].as_str().unwrap().to_owned();
    let names = (0..PROCESSES).flat_map(|process| (0..SENDERS).map(move |i| (process, format!("sender{process}-{i}"))));
    let signing_up = names.map(|(process, name)| {
        let http = servers[process].http();
        async move { TestClient::sign_up(http, &name).await }
    });
    let senders = join_all(signing_up).await;

    let is_over = Arc::new(AtomicBool::new(false));
    let following = tokio::spawn({
        let (readers, is_over) = (readers, is_over.clone());
        async move {
            let (idle, busy) = readers.split_last().unwrap();
            tokio::join!(follow(busy, start, &is_over), come_back(idle, &is_over))
        }
    });
    let writing = senders.into_iter().map(|user| tokio::spawn(write(user, reader.id)));
    let stored: Vec<Value> =
        join_all(writing).await.into_iter().flat_map(|done| done.expect("a sender that has sent all")).collect();
    is_over.store(true, Ordering::Release);
    let (told, kept) = following.await.expect("readers that have seen all");

    assert_eq!(stored.len(), PROCESSES * SENDERS * MESSAGES);
    let acknowledged: BTreeMap<i64, i64> = stored.iter().map(|frame| (seq(frame), integer(frame, "id"))).collect();
    assert_eq!(acknowledged.len(), stored.len(), "no number is given twice");
    assert!(told.is_sorted_by(|older, newer| seq(older) < seq(newer)), "`seq` grows");
    let messages: Vec<&Value> = told.iter().filter(|event| event["type"] == "message").collect();
    assert!(messages.is_sorted_by(|older, newer| integer(older, "id") < integer(newer, "id")), "so do the ids");
    let time = |message: &Value| message["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(messages.is_sorted_by(|older, newer| time(older) < time(newer)), "and the time stamps");
    let followed: BTreeMap<i64, i64> = messages.iter().map(|event| (seq(event), integer(event, "id"))).collect();
    assert_eq!(followed, acknowledged, "by `/chat/sync`");
    let resumed: BTreeMap<i64, i64> = kept.messages.iter().map(|message| (message.seq, message.id)).collect();
    assert_eq!(resumed, acknowledged, "by coming back");
    for server in servers {
        assert!(server.stop().await.success());
    }
}
