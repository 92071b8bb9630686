//! What is left of files whose time is over: nothing.

use fluent_backend::clock::Clock;
use fluent_backend::domain::Timestamp;
use fluent_backend::testing::{TestClient, eventually};
use serde_json::json;

use super::{create, patch, random, upload};
use crate::support::files;

#[tokio::test]
async fn abandoned_and_deleted_files_leave_nothing() {
    let clock = Clock::stopped_at(Timestamp::from_micros(1_800_000_000_000_000));
    let server = files::start_at(clock.clone(), |config| {
        config.messages.clear_every_ms = 20;
        config.auth.access_token_s = 86_400;
    })
    .await;
    let alice = server.sign_up("alice").await;
    let data = server.data_dir();
    alice.http.post("/media", &json!({"size": 10})).await.ok();
    let begun = create(&alice.http, 10).await;
    patch(&alice.http, &begun, 0, "hello").await.ok();
    clock.advance_secs(86_000);
    // A part does not put the end off; a complete file has a day of its own.
    patch(&alice.http, &begun, 5, "w").await.ok();
    let whole = upload(&alice.http, &random(10)).await;
    let deleted = upload(&alice.http, &random(10)).await;
    assert_eq!(files::count(&data), 3);
    alice.http.delete(&deleted).await.ok();
    eventually("the deleted one is removed", || async { (files::count(&data) == 2).then_some(()) }).await;
    clock.advance_secs(401);
    let alice = TestClient::log_in(server.http(), "alice", alice.id).await;
    assert_eq!(patch(&alice.http, &begun, 6, "orld").await.status, 404);
    eventually("the abandoned one is removed", || async { (files::count(&data) == 1).then_some(()) }).await;
    let bob = server.sign_up("bob").await;
    let bobs = upload(&bob.http, &random(10)).await;
    bob.http.with_body(http::Method::DELETE, "/users/me", &json!({"password": TestClient::PASSWORD})).await.ok();
    eventually("a deleted account's file is removed", || async { (files::count(&data) == 1).then_some(()) }).await;
    assert_eq!(alice.http.get(&bobs).await.status, 404);
    clock.advance_secs(86_400);
    let alice = TestClient::log_in(server.http(), "alice", alice.id).await;
    assert_eq!(alice.http.get(&whole).await.status, 404);
    eventually("the unclaimed one is removed", || async { (files::count(&data) == 0).then_some(()) }).await;
    server.stop().await;
}
