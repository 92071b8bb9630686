//! Expired and ended things are left out by every read from that moment on, although they are not destroyed yet.

use std::sync::Arc;

use fluent_backend::actors::RequestPermit;
use fluent_backend::clock::Clock;
use fluent_backend::domain::Timestamp;
use fluent_backend::testing::{TestClient, TestServer};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::config::{first_round_is_over, lazy_janitor};
use crate::support::rows::Rows;
use crate::support::v1::{
    assert_fields, chat_list, column, conversations, history, integer, live, log_in_again, merged, send_frame, seq,
    stopped_clock, two_live,
};

const DAY_S: i64 = 86_400;

/// By the server's retention everything older is gone, as the janitor has it said.
async fn retain(server: &TestServer, before: Timestamp) {
    let turn = RequestPermit::new(Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap());
    server.server().actors().persistence.retain(before, turn).await.unwrap();
}

/// Everything that tells of messages, for one who was not there: their ids, without what is only a mark of their end.
async fn shown(user: &TestClient, partner: i32, since: &str) -> Vec<(&'static str, Vec<Value>)> {
    let ids = |list: &[Value]| column(list, "id").into_iter().cloned().collect::<Vec<Value>>();
    let (_, missed) = user.live_device("late", Some(since)).await;
    let messages = |events: &[Value]| {
        ids(&events.iter().filter(|event| event["type"] == "message").cloned().collect::<Vec<Value>>())
    };
    let synced: Value = user.http.get(&format!("/chat/sync?since={since}&limit=100")).await.ok().json();
    let newest = json!(i64::from(i32::MAX));
    let path = format!("/chat/all_messages?partnerID={partner}&before_id={newest}");
    let before: Vec<Value> = user.http.get(&path).await.ok().json();
    let newest_of = |list: Vec<Value>, key: &str| {
        list.iter().map(|entry| entry[key]["id"].clone()).filter(|id| !id.is_null()).collect::<Vec<Value>>()
    };
    vec![
        ("replay", messages(&missed)),
        ("/chat/sync", messages(synced["events"].as_array().unwrap())),
        ("history", ids(&history(user, partner).await)),
        ("history before an id", ids(&before)),
        ("chat list", newest_of(chat_list(user).await, "message")),
        ("conversations", newest_of(conversations(user).await, "last_message")),
    ]
}

/// Each of them must tell of these alone; lists of conversations of the newest.
#[track_caller]
fn tells(shown: Vec<(&str, Vec<Value>)>, expected: &[&Value]) {
    for (how, mut ids) in shown {
        ids.sort_by_key(Value::as_i64);
        let ids: Vec<&Value> = ids.iter().collect();
        let expected = if how.contains("list") || how == "conversations" {
            &expected[expected.len().saturating_sub(1)..]
        } else {
            expected
        };
        assert_eq!(ids, expected, "{how}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_retention_has_ended_is_shown_by_nothing() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), lazy_janitor).await;
    first_round_is_over(&server).await;
    let (alice, bob, mut a, _b) = two_live(&server).await;
    let start = a.cursor(0);
    let mut old = Vec::new();
    for i in 0..3 {
        old.push(a.store(bob.id, &format!("old {i}")).await["id"].clone());
    }
    clock.advance_secs(10 * DAY_S);
    let (alice, bob) = (log_in_again(&server, &alice).await, log_in_again(&server, &bob).await);
    let mut a = live(&alice, "a2").await;
    let young = a.store(bob.id, "young").await;
    let all: Vec<&Value> = old.iter().chain([&young["id"]]).collect();
    for (user, partner) in [(&alice, &bob), (&bob, &alice)] {
        tells(shown(user, partner.id, &start).await, &all);
    }

    retain(&server, clock.now().plus_secs(-5 * DAY_S)).await;
    assert_fields(&a.expect("deleted_before").await, &json!({"type": "deleted_before"}));
    for (user, partner) in [(&alice, &bob), (&bob, &alice)] {
        tells(shown(user, partner.id, &start).await, &[&young["id"]]);
        let (_, missed) = user.live_device("late", Some(&start)).await;
        assert_eq!(column(&missed, "type"), ["message", "deleted_before"], "{missed:?}");
    }
    for (id, scope) in [(&old[0], "me"), (&old[1], "everyone")] {
        let error = a.ask(&json!({"type": "delete", "id": id, "for": scope})).await;
        assert_fields(&error, &json!({"type": "error", "code": "not_found"}));
    }
    // A retry is still known.
    assert_fields(
        &a.ask(&send_frame(bob.id, "old 0")).await,
        &json!({"type": "stored", "id": old[0], "duplicate": true}),
    );

    retain(&server, clock.now().plus_secs(1)).await;
    tells(shown(&bob, alice.id, &start).await, &[]);
    let rows = Rows::of(server.data()).await;
    assert_eq!(rows.of_table("bodies").await.len(), 4, "nothing is destroyed yet: it is left out all the same");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_is_shown_by_nothing() {
    let clock: Clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), lazy_janitor).await;
    first_round_is_over(&server).await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let start = a.cursor(0);
    let kept = a.store(bob.id, "kept").await;
    let short = a.ask(&merged(&send_frame(bob.id, "short"), json!({"expires_in_s": 60}))).await;
    assert_eq!(seq(&b.read_until("message").await.1), seq(&kept));
    for (user, partner) in [(&alice, &bob), (&bob, &alice)] {
        tells(shown(user, partner.id, &start).await, &[&kept["id"], &short["id"]]);
    }
    clock.advance_secs(61);
    for (user, partner) in [(&alice, &bob), (&bob, &alice)] {
        tells(shown(user, partner.id, &start).await, &[&kept["id"]]);
    }
    let rows = Rows::of(server.data()).await;
    assert_eq!(rows.of_table("bodies").await.len(), 2, "nothing is destroyed yet");
    assert!(integer(&short, "id") > integer(&kept, "id"));
    server.stop().await;
}
