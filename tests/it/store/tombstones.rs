//! Tombstones are kept for ninety days from the deletion, however old the message was.

use fluent_backend::testing::{TestClient, TestServer, eventually, send_frame};
use serde_json::{Value, json};

use crate::support::config::fast_janitor;
use crate::support::v1::{assert_fields, column, live, log_in_again, seq, stopped_clock, two_live};

const DAY_S: i64 = 86_400;

/// Waits until a cursor is no longer honoured because what came after it was dropped.
async fn dropped(user: &TestClient, since: &str) {
    let expired = async || {
        let page: Value = user.http.get(&format!("/chat/sync?since={since}&limit=100")).await.ok().json();
        (page["events"][0]["reason"] == "expired").then_some(())
    };
    eventually("what is old enough is dropped", expired).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_stands_for_ninety_days_from_the_deletion_not_from_the_message() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), fast_janitor).await;
    let (alice, bob, mut a, _b) = two_live(&server).await;
    let (early, late) = (a.store(bob.id, "early").await, a.store(bob.id, "late").await);
    let delete = |id: &Value, scope: &str| json!({"type": "delete", "id": id, "for": scope});
    assert_fields(&a.ask(&delete(&early["id"], "everyone")).await, &json!({"type": "deleted"}));
    a.store(bob.id, "kept").await;

    // Day 80: each side deletes the other one for itself.
    clock.advance_secs(80 * DAY_S);
    let (alice, bob) = (log_in_again(&server, &alice).await, log_in_again(&server, &bob).await);
    let (mut a, mut b) = (live(&alice, "a2").await, live(&bob, "b2").await);
    for device in [&mut a, &mut b] {
        assert_fields(&device.ask(&delete(&late["id"], "me")).await, &json!({"type": "deleted", "id": late["id"]}));
    }

    // Day 91: the messages are older than ninety days, and so is the first deletion; the others are not.
    clock.advance_secs(11 * DAY_S);
    let (alice, bob) = (log_in_again(&server, &alice).await, log_in_again(&server, &bob).await);
    dropped(&alice, &a.cursor(seq(&early))).await;
    let mut a = live(&alice, "a3").await;
    assert_fields(
        &a.ask(&send_frame(bob.id, "late")).await,
        &json!({"type": "stored", "id": late["id"], "duplicate": true}),
    );
    assert_fields(&a.ask(&send_frame(bob.id, "early")).await, &json!({"type": "stored", "duplicate": false}));
    // A device that was away since before the deletion is told of it.
    for user in [&alice, &bob] {
        let (_, missed) = user.live_device("away", Some(&a.cursor(0))).await;
        let deleted: Vec<Value> = missed.into_iter().filter(|event| event["type"] == "deleted").collect();
        assert_eq!(column(&deleted, "id"), [&late["id"]]);
    }

    // Day 182: it is dropped as well.
    clock.advance_secs(91 * DAY_S);
    let alice = log_in_again(&server, &alice).await;
    dropped(&alice, &a.cursor(seq(&late) + 3)).await;
    let mut a = live(&alice, "a4").await;
    assert_fields(&a.ask(&send_frame(bob.id, "late")).await, &json!({"type": "stored", "duplicate": false}));
    server.stop().await;
}
