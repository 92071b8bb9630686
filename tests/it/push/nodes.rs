//! Several servers on one database: one wake-up for a device, wherever it is connected and whoever dies.

use fluent_backend::clock::Clock;
use fluent_backend::config::Config;
use fluent_backend::domain::PushOutcome;
use fluent_backend::testing::{TestClient, TestData, TestDatabase, TestServer, eventually};
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::json;

use super::double::{Answer, Provider, at, pushing_on, register, send, settled, targets, woken_in_time};
use crate::support::postgres::database;
use crate::support::v1::{live, seq, stopped_clock};

/// Receivers of the test with three servers.
const DEVICES: usize = 24;

/// Starts one more server on the database.
async fn node(database: &TestDatabase, provider: &std::sync::Arc<Provider>, clock: &Clock) -> TestServer {
    let change = |config: &mut Config| {
        config.auth.secret_key = "one secret for all servers, long enough".into();
        config.auth.access_token_s = 24 * 3600;
        config.database.url = database.url().into();
    };
    pushing_on(TestData::sqlite(), provider, clock.clone(), change).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_device_is_woken_by_one_of_three_servers() {
    let Some(database) = database().await else { return };
    let (provider, clock) = (Provider::new(), stopped_clock());
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(node(&database, &provider, &clock).await);
    }
    let alice = nodes[0].sign_up("alice").await;
    let mut users: Vec<TestClient> = Vec::new();
    for n in 0..DEVICES {
        let user = nodes[n % 3].sign_up(&format!("user{n}")).await;
        register(&user, &format!("d{n}")).await;
        users.push(user);
    }
    for (n, user) in users.iter().enumerate() {
        send(&at(&nodes[n % 2], &alice), user.id, &format!("to {n}"), None).await;
        send(&at(&nodes[2], &alice), user.id, &format!("again to {n}"), None).await;
    }
    // Less than the time after which a device is woken again for what was stored meanwhile.
    let until = clock.now().plus_secs(30);
    eventually("all are woken", async || {
        clock.advance_secs(i64::from(clock.now() < until));
        (0..DEVICES).all(|n| !provider.accepted(&format!("token-d{n}")).is_empty()).then_some(())
    })
    .await;
    // What was stored while a request was on its way is still owed, until the device has it.
    for (n, user) in users.iter().enumerate() {
        let kept = json!({"delivered": {"up_to_seq": 1_000_000}, "device_id": format!("d{n}")});
        assert_eq!(user.http.post("/chat/receipts", &kept).await.status, 204);
    }
    settled(&nodes[0]).await;
    for n in 0..DEVICES {
        assert_eq!(provider.accepted(&format!("token-d{n}")), [true], "of device {n}");
    }
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_acknowledges_at_another_server_is_not_woken_and_one_that_does_not_is() {
    let Some(database) = database().await else { return };
    let (provider, clock) = (Provider::new(), stopped_clock());
    let one = node(&database, &provider, &clock).await;
    // This one knows of the other from its start.
    let two = node(&database, &provider, &clock).await;
    let (bob, carol, alice) = (one.sign_up("bob").await, one.sign_up("carol").await, two.sign_up("alice").await);
    register(&bob, "b").await;
    register(&carol, "c").await;
    let mut b = live(&bob, "b").await;
    let stored = send(&alice, bob.id, "one", None).await;
    b.expect("message").await;
    b.send(&json!({"type": "delivered", "up_to_seq": seq(&stored)})).await;
    let is_heard = async || {
        let owed = two.server().storage().push_counts().await.unwrap()[0].owed;
        (owed == 0 && targets(&bob).await[0].get("last_seen_at").is_some()).then_some(())
    };
    eventually("it was heard", is_heard).await;
    clock.advance_secs(3);
    // Another device's wake-up shows that the time has come.
    send(&alice, carol.id, "two", None).await;
    woken_in_time(&provider, &clock, "token-c", 1).await;
    settled(&one).await;
    assert_eq!(provider.accepted("token-b"), Vec::<bool>::new());
    // The connection may be half open.
    let sent_at = clock.now();
    send(&alice, bob.id, "three", None).await;
    b.expect("message").await;
    woken_in_time(&provider, &clock, "token-b", 1).await;
    assert!(clock.now() >= sent_at.plus_secs(2), "it had time to acknowledge");
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_was_about_to_send_when_it_died_another_one_sends() {
    let Some(database) = database().await else { return };
    let (provider, clock) = (Provider::new(), stopped_clock());
    let one = node(&database, &provider, &clock).await;
    let (alice, bob) = (one.sign_up("alice").await, one.sign_up("bob").await);
    register(&bob, "b").await;
    provider.answers(Answer::Hangs);
    send(&alice, bob.id, "one", None).await;
    provider.is_asked(1).await;
    let (two, three) = (node(&database, &provider, &clock).await, node(&database, &provider, &clock).await);
    // As a process that is killed; the others have not seen it for a while.
    let boot = one.server().storage().boot();
    drop(one);
    provider.answers(Answer::Is(PushOutcome::Accepted));
    let db = Database::connect(database.url()).await.unwrap();
    let passed = format!("UPDATE nodes SET seen_at = seen_at - 20000000 WHERE boot = {boot}");
    db.execute_unprepared(&passed).await.unwrap();
    // The clock stands still, so that the lease does not run out.
    eventually("another server sends", async || (!provider.accepted("token-b").is_empty()).then_some(())).await;
    settled(&two).await;
    assert_eq!(provider.asked(), 2);
    two.stop().await;
    three.stop().await;
}
