//! A server on a seeded store finds the seeded users and messages.

use fluent_backend::Config;
use fluent_backend::domain::UserId;
use fluent_backend::testing::{TestClient, TestServer, seed};
use serde_json::{Value, json};

use crate::support::postgres::database;
use crate::support::v1::seq;

const USERS: u64 = 60;
const MESSAGES: usize = 3_000;
const BYTES: usize = 200;

/// Everybody writes to the next one, and to one far off.
fn pairs(users: &[UserId]) -> Vec<(UserId, UserId)> {
    let pairs_at = |distance: usize| {
        let others = users.iter().cycle().skip(distance);
        users.iter().copied().zip(others.copied())
    };
    pairs_at(1).chain(pairs_at(7)).collect()
}

async fn a_server_finds_what_was_seeded(change: impl Fn(&mut Config)) {
    let mut config = TestServer::config();
    change(&mut config);
    let mut users = seed::users(&config, 0, USERS / 2, TestClient::PASSWORD).await;
    users.extend(seed::users(&config, USERS / 2, USERS / 2, TestClient::PASSWORD).await);
    let pairs = pairs(&users);
    seed::messages(&config, &pairs, MESSAGES as u64, BYTES).await;
    let server = TestServer::start_with(change).await;

    let me = users[10];
    let client = TestClient::log_in(server.http(), &seed::name(10), me.0).await;
    // What was sent, from the rule by which it was seeded.
    let sent: Vec<(UserId, UserId, i64)> = (0..MESSAGES)
        .map(|i| {
            let (a, b) = pairs[i % pairs.len()];
            let number = i64::try_from(i).unwrap() + 1;
            if (i / pairs.len()).is_multiple_of(2) { (a, b, number) } else { (b, a, number) }
        })
        .filter(|(sender, receiver, _)| *sender == me || *receiver == me)
        .collect();
    assert_eq!(sent.len(), 4 * MESSAGES / pairs.len());
    let content = |sender: UserId, number: i64| format!("{}:{number}:", if sender == me { 's' } else { 'r' });

    let list: Vec<Value> = client.http.get("/chat/chat_list").await.ok().json();
    assert_eq!(list.len(), 4);
    let overview: Vec<Value> = client.http.get("/chat/conversations").await.ok().json();
    assert_eq!(overview.len(), 4);
    for entry in &overview {
        let partner = UserId(i32::try_from(entry["partner"]["id"].as_i64().unwrap()).unwrap());
        let theirs: Vec<_> = sent.iter().filter(|(a, b, _)| *a == partner || *b == partner).collect();
        assert_eq!(entry["unread"], theirs.iter().filter(|(a, ..)| *a == partner).count());
        assert_eq!(entry["last_message"]["id"], theirs.last().unwrap().2);
        let history = client.history(partner.0).await;
        let expected: Vec<String> = theirs.iter().rev().map(|(a, _, number)| content(*a, *number)).collect();
        assert_eq!(history.len(), expected.len());
        for (message, expected) in history.iter().zip(expected) {
            assert!(message.content.starts_with(&expected) && message.content.len() == BYTES, "{}", message.content);
        }
    }

    let (mut device, _) = client.live_device("a", None).await;
    let (_, missed) = client.live_device("b", Some(&device.cursor(0))).await;
    let numbers: Vec<i64> = missed.iter().map(seq).collect();
    assert_eq!(numbers, sent.iter().map(|(_, _, number)| *number).collect::<Vec<_>>());
    assert_eq!(missed[0]["type"], "message");
    let stored = device.store(users[11].0, "something new").await;
    assert_eq!(stored["seq"], json!(MESSAGES + 1));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    let dir = tempfile::tempdir().unwrap();
    // Whatever store the other tests run on.
    let change = |config: &mut Config| {
        config.server.data_dir = dir.path().join("data");
        config.database.url = "".into();
    };
    Box::pin(a_server_finds_what_was_seeded(change)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql() {
    let Some(database) = database().await else { return };
    let url = database.url();
    Box::pin(a_server_finds_what_was_seeded(|config| config.database.url = url.into())).await;
}
