//! What wakes whom, and when.

use fluent_backend::domain::PushOutcome;
use fluent_backend::testing::TestDevice;
use serde_json::{Value, json};

use super::double::{Answer, Pair, Provider, pushing, register, send, settled, targets, woken_in_time};
use crate::support::v1::{live, seq, stopped_clock};

#[tokio::test]
async fn a_message_wakes_the_receivers_sleeping_device_alone_and_once() {
    let (provider, clock) = (Provider::new(), stopped_clock());
    let server = pushing(&provider, clock.clone()).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    register(&alice, "a").await;
    register(&bob, "b").await;
    let first = send(&alice, bob.id, "one", None).await;
    provider.woken("token-b", 1).await;
    settled(&server).await;
    // A retry of the same message, a message to oneself, and one that wakes nobody.
    send(&alice, bob.id, "one", None).await;
    send(&bob, bob.id, "a note", None).await;
    send(&alice, bob.id, "receipt", Some("none")).await;
    // What follows while the device sleeps waits for a minute.
    let last = send(&alice, bob.id, "two", None).await;
    clock.advance_secs(59);
    assert_eq!(provider.accepted("token-b"), [true]);
    clock.advance_secs(1);
    provider.woken("token-b", 2).await;
    assert_eq!(provider.accepted("token-a"), Vec::<bool>::new());
    // It comes, by the name of the wake-up, and has all.
    let name = provider.names("token-b").pop().unwrap();
    let cursor: Value = bob.http.get("/chat/sync").await.ok().json();
    let (epoch, _) = cursor["cursor"].as_str().unwrap().split_once(':').unwrap();
    let since = |seq: i64| format!("/chat/sync?since={epoch}:{seq}&device_id=b&wake={name}");
    let page: Value = bob.http.get(&since(seq(&first) - 1)).await.ok().json();
    assert_eq!(page["events"].as_array().unwrap().len(), 4, "{page}");
    let kept = json!({"delivered": {"up_to_seq": seq(&last)}, "device_id": "b"});
    assert_eq!(bob.http.post("/chat/receipts", &kept).await.status, 204);
    // So the next one is not held back.
    fluent_backend::testing::eventually("it was here", async || {
        targets(&bob).await[0].get("last_seen_at").is_some().then_some(())
    })
    .await;
    send(&alice, bob.id, "three", None).await;
    provider.woken("token-b", 3).await;
    server.stop().await;
}

#[tokio::test]
async fn what_may_wait_gathers_until_something_urgent_comes() {
    let Pair { provider, clock, server, alice, bob } = Pair::start().await;
    for n in 0..3 {
        send(&alice, bob.id, &format!("reaction {n}"), Some("normal")).await;
    }
    clock.advance_secs(59);
    send(&alice, bob.id, "another", Some("normal")).await;
    assert_eq!(provider.asked(), 0);
    clock.advance_secs(1);
    provider.woken("token-b", 1).await;
    assert_eq!(provider.accepted("token-b"), [false]);
    settled(&server).await;
    send(&alice, bob.id, "one more", Some("normal")).await;
    clock.advance_secs(60);
    assert_eq!(provider.asked(), 1, "not before 20 minutes have passed");
    send(&alice, bob.id, "now", Some("high")).await;
    provider.woken("token-b", 2).await;
    assert_eq!(provider.accepted("token-b"), [false, true]);
    let wrong = fluent_backend::testing::send_frame(bob.id, "wrong");
    let wrong = crate::support::v1::merged(&wrong, json!({"urgency": "soon"}));
    assert_eq!(alice.http.post("/chat/messages", &wrong).await.status, 422);
    server.stop().await;
}

#[tokio::test]
async fn the_urgency_is_neither_relayed_nor_part_of_the_message() {
    let provider = Provider::new();
    let server = pushing(&provider, stopped_clock()).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (mut a, mut b): (TestDevice, TestDevice) = (live(&alice, "a").await, live(&bob, "b").await);
    let frame =
        crate::support::v1::merged(&fluent_backend::testing::send_frame(bob.id, "x"), json!({"urgency": "none"}));
    let stored = a.ask(&frame).await;
    assert_eq!(stored["duplicate"], false);
    assert_eq!(b.expect("message").await.get("urgency"), None);
    let again = a.ask(&crate::support::v1::merged(&frame, json!({"urgency": "high"}))).await;
    assert_eq!((&again["duplicate"], &again["id"]), (&json!(true), &stored["id"]));
    server.stop().await;
}

#[tokio::test]
async fn an_address_that_is_dead_is_forgotten_and_a_refusal_keeps_the_debt() {
    let (provider, clock) = (Provider::new(), stopped_clock());
    let server = pushing(&provider, clock.clone()).await;
    let (alice, bob, carol) =
        (server.sign_up("alice").await, server.sign_up("bob").await, server.sign_up("carol").await);
    register(&bob, "b").await;
    register(&carol, "c").await;
    provider.answers(Answer::Is(PushOutcome::Dead));
    send(&alice, bob.id, "one", None).await;
    fluent_backend::testing::eventually("it is forgotten", async || targets(&bob).await.is_empty().then_some(())).await;
    provider.answers(Answer::Is(PushOutcome::Config));
    send(&alice, carol.id, "two", None).await;
    fluent_backend::testing::eventually("it is suspended", async || {
        (targets(&carol).await[0]["state"] == "suspended").then_some(())
    })
    .await;
    provider.answers(Answer::Is(PushOutcome::Accepted));
    register(&carol, "c").await;
    provider.woken("token-c", 1).await;
    settled(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_is_on_its_way_is_not_made_again() {
    let Pair { provider, clock, server, alice, bob } = Pair::start().await;
    provider.answers(Answer::Hangs);
    send(&alice, bob.id, "one", None).await;
    provider.is_asked(1).await;
    for n in 0..3 {
        send(&alice, bob.id, &format!("more {n}"), None).await;
    }
    register(&bob, "b").await;
    provider.answers(Answer::Is(PushOutcome::Accepted));
    provider.release();
    provider.woken("token-b", 1).await;
    woken_in_time(&provider, &clock, "token-b", 2).await;
    settled(&server).await;
    assert_eq!(provider.asked(), 2);
    server.stop().await;
}
