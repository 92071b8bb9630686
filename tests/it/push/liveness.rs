//! Devices that are connected: they acknowledge what they are sent, or are woken all the same.

use fluent_backend::testing::{TestData, TestDevice, eventually};
use serde_json::{Value, json};

use super::double::{Pair, Provider, pushing_on, register, send, settled, targets, woken_in_time};
use crate::support::v1::{live, seq, stopped_clock};

#[tokio::test]
async fn a_connected_device_that_acknowledges_is_not_woken_also_after_it_has_gone() {
    let Pair { provider, clock, server, alice, bob } = Pair::start().await;
    register(&bob, "other").await;
    let mut b = live(&bob, "b").await;
    let stored = send(&alice, bob.id, "one", None).await;
    b.expect("message").await;
    provider.woken("token-other", 1).await;
    b.send(&json!({"type": "delivered", "up_to_seq": seq(&stored)})).await;
    let seen = async || targets(&bob).await.iter().any(|target| target.get("last_seen_at").is_some()).then_some(());
    eventually("it was heard", seen).await;
    b.socket.close().await;
    eventually("its socket is closed", async || (server.open_sockets() == 0).then_some(())).await;
    clock.advance_secs(11);
    // Another device's wake-up shows that the time has come.
    let carol = server.sign_up("carol").await;
    register(&carol, "c").await;
    send(&alice, carol.id, "two", None).await;
    provider.woken("token-c", 1).await;
    settled(&server).await;
    assert_eq!(provider.accepted("token-b"), Vec::<bool>::new());
    server.stop().await;
}

#[tokio::test]
async fn a_device_whose_socket_is_closed_before_it_has_acknowledged_is_woken_ten_seconds_later() {
    let Pair { provider, clock, server, alice, bob } = Pair::start().await;
    let mut b = live(&bob, "b").await;
    send(&alice, bob.id, "one", None).await;
    b.expect("message").await;
    b.socket.close().await;
    eventually("its socket is closed", async || (server.open_sockets() == 0).then_some(())).await;
    let closed_at = clock.now();
    woken_in_time(&provider, &clock, "token-b", 1).await;
    assert!(clock.now() >= closed_at.plus_secs(10), "it may have come back");
    settled(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_device_that_does_not_acknowledge_in_five_seconds_is_woken_although_it_is_connected() {
    let Pair { provider, server, alice, bob, .. } = Pair::start().await;
    let mut b = live(&bob, "b").await;
    send(&alice, bob.id, "one", None).await;
    b.expect("message").await;
    provider.woken("token-b", 1).await;
    settled(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_legacy_socket_of_its_login_keeps_a_device_awake() {
    let Pair { provider, clock, server, alice, bob } = Pair::start().await;
    let mut socket = bob.connect().await;
    let mut other = alice.connect().await;
    other.send_message(bob.id, "for bob", "for alice").await;
    assert_eq!(socket.next_message().await.content, "for bob");
    socket.close().await;
    other.close().await;
    eventually("the sockets are closed", async || (server.open_sockets() == 0).then_some(())).await;
    clock.advance_secs(11);
    send(&alice, bob.id, "two", None).await;
    provider.woken("token-b", 1).await;
    settled(&server).await;
    assert_eq!(provider.asked(), 1, "it was written to the socket");
    server.stop().await;
}

#[tokio::test]
async fn an_opening_says_what_a_device_has() {
    let Pair { provider, clock, server, alice, bob } = Pair::start().await;
    let stored = send(&alice, bob.id, "may wait", Some("normal")).await;
    let mut b: TestDevice = bob.device("b", Some("other:1")).await;
    b.expect("reset").await;
    let owed = async || server.server().storage().push_counts().await.unwrap()[0].owed;
    assert_eq!(owed().await, 1, "it has not said what it has");
    let since = b.cursor(seq(&stored));
    let mut again = bob.device("b", Some(&since)).await;
    again.expect("live").await;
    settled(&server).await;
    clock.advance_secs(3600);
    assert_eq!(provider.asked(), 0);
    server.stop().await;
}

#[tokio::test]
async fn what_a_process_was_about_to_owe_is_owed_by_its_successor() {
    let (provider, clock) = (Provider::new(), stopped_clock());
    let data = TestData::of_one().await;
    let server = pushing_on(data.clone(), &provider, clock.clone(), |_| {}).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    register(&bob, "b").await;
    let mut b = live(&bob, "b").await;
    send(&alice, bob.id, "one", None).await;
    b.expect("message").await;
    let shown: Vec<Value> = targets(&bob).await;
    assert!(shown[0].get("last_wake_at").is_none());
    // As a process that is killed.
    drop(server);
    assert_eq!(provider.asked(), 0);
    let server = pushing_on(data, &provider, clock.clone(), |_| {}).await;
    woken_in_time(&provider, &clock, "token-b", 1).await;
    settled(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn what_wakes_nobody_wakes_nobody_after_a_restart_either() {
    let (provider, clock) = (Provider::new(), stopped_clock());
    let data = TestData::of_one().await;
    let server = pushing_on(data.clone(), &provider, clock.clone(), |_| {}).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let carol = server.sign_up("carol").await;
    register(&bob, "b").await;
    register(&carol, "c").await;
    let (mut b, mut c) = (live(&bob, "b").await, live(&carol, "c").await);
    send(&alice, carol.id, "one", None).await;
    send(&alice, carol.id, "a receipt", Some("none")).await;
    send(&alice, bob.id, "another receipt", Some("none")).await;
    for socket in [&mut b, &mut c] {
        socket.expect("message").await;
    }
    // As a process that is killed: neither has acknowledged anything.
    drop(server);
    let server = pushing_on(data, &provider, clock.clone(), |_| {}).await;
    woken_in_time(&provider, &clock, "token-c", 1).await;
    settled(&server).await;
    assert_eq!(provider.asked(), 1, "both were looked at in one go");
    server.stop().await;
}
