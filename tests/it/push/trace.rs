//! What operators are told.

use fluent_backend::domain::{MessageId, PushOutcome};
use fluent_backend::testing::eventually;

use http::Method;
use serde_json::json;

use super::double::{Answer, Pair, Provider, pushing, register, send, settled, targets};
use crate::support::local::Operator;
use crate::support::v1::{integer, stopped_clock};

#[tokio::test]
async fn a_trace_tells_the_story_of_a_message() {
    let Pair { provider, server, alice, bob, .. } = Pair::start().await;
    let stored = send(&alice, bob.id, "one", None).await;
    let id = MessageId(integer(&stored, "id"));
    provider.woken("token-b", 1).await;
    settled(&server).await;
    let traced = server.server().service().trace_push(id).await.unwrap();
    let words = traced.targets[0].words.join("\n");
    assert!(words.contains("accepted, status 200") && words.contains("covered by the wake-up"), "{words}");
    assert!(words.contains("not here since it is registered"), "{words}");
    let kept = serde_json::json!({"delivered": {"up_to_seq": stored["seq"]}, "device_id": "b"});
    bob.http.post("/chat/receipts", &kept).await;
    eventually("it was heard", async || {
        let traced = server.server().service().trace_push(id).await.unwrap();
        traced.targets[0].words.iter().any(|words| words.starts_with("acknowledged")).then_some(())
    })
    .await;
    let status = server.server().service().push_status().await.unwrap();
    assert!(status.is_enabled && status.counts.len() == 1 && status.counts[0].targets == 1);
    // A device that its provider no longer knows leaves its story.
    provider.answers(Answer::Is(PushOutcome::Dead));
    let next = MessageId(integer(&send(&alice, bob.id, "two", None).await, "id"));
    eventually("it is forgotten", async || targets(&bob).await.is_empty().then_some(())).await;
    let traced = server.server().service().trace_push(next).await.unwrap();
    assert!(traced.targets.is_empty());
    assert_eq!(traced.deleted[0].outcome, PushOutcome::Dead);
    assert!(server.server().service().trace_push(MessageId(1 << 40)).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn an_operator_wakes_a_device_to_see_whether_that_works() {
    let Pair { provider, server, bob, .. } = Pair::start().await;
    let mut operator = Operator::of(&server).await;
    let path = format!("/admin/api/push/targets/{}/b/test", bob.id);
    let tested = operator.post(&path, json!({})).await;
    assert_eq!((&tested["outcome"], &tested["provider_status"]), (&json!("accepted"), &json!(200)), "{tested}");
    provider.woken("token-b", 1).await;
    let shown = operator.get(&format!("/admin/api/users/{}", bob.id)).await;
    let device = &shown["push_targets"][0];
    assert_eq!((&device["device_id"], &device["last_wake_outcome"]), (&json!("b"), &json!("accepted")), "{shown}");
    for missing in [format!("/admin/api/push/targets/{}/c/test", bob.id), path.replace("/b/", "/b%20/")] {
        assert_eq!(operator.ask(Method::POST, &missing, None).await.0, 404, "{missing}");
    }
    let audit = operator.get("/admin/api/audit?limit=1").await;
    let entry = &audit["entries"][0];
    assert_eq!((&entry["detail"]["action"], &entry["subject_id"]), (&json!("test_push"), &json!(bob.id)));
    server.stop().await;
}

#[tokio::test]
async fn a_push_actor_that_fails_is_replaced_and_nothing_is_lost() {
    let (provider, clock) = (Provider::new(), stopped_clock());
    let mut server = pushing(&provider, clock.clone()).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    register(&bob, "b").await;
    provider.answers(Answer::Hangs);
    send(&alice, bob.id, "one", None).await;
    provider.is_asked(1).await;
    server.expect_failures(1);
    provider.answers(Answer::Is(PushOutcome::Accepted));
    server.server().actors().push.crash();
    provider.woken("token-b", 1).await;
    settled(&server).await;
    server.stop().await;
}
