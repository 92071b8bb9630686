//! Presence and typing: shown only between partners, never stored.

use std::time::{Duration, Instant};

use fluent_backend::testing::{TestClient, TestDevice, TestServer};
use serde_json::{Value, json};

use crate::support::v1::{assert_fields, column, exchange, live, merged, partners, send_frame, two_live, two_users};

async fn watch(device: &mut TestDevice, users: &[i32]) {
    device.send(&json!({"type": "presence", "watch": users})).await;
}

fn presence(user: &TestClient, status: &str) -> Value {
    json!({"type": "presence", "user_id": user.id, "status": status})
}

async fn nothing_came(device: &mut TestDevice, why: &str) {
    assert_eq!(device.so_far().await, Vec::<Value>::new(), "{why}");
}

#[track_caller]
fn to_the_minute(frame: &Value) {
    let Some(last_seen) = frame["last_seen"].as_str() else { panic!("no `last_seen`: {frame}") };
    let moment: jiff::Timestamp = last_seen.parse().unwrap();
    assert_eq!((moment.as_second() % 60, moment.subsec_nanosecond()), (0, 0), "to the minute: {frame}");
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_see_each_other_come_at_once_and_go_after_ten_seconds() {
    let server = TestServer::start_alone(|_| {}).await;
    let (alice, bob, mut a, b) = partners(&server).await;
    watch(&mut a, &[bob.id]).await;
    assert_fields(&a.next().await, &presence(&bob, "online"));
    // A socket of either dialect counts, and only the last one's end.
    let legacy = bob.connect().await;
    b.socket.close().await;
    let left = Instant::now();
    legacy.close().await;
    let offline = a.next().await;
    assert_fields(&offline, &presence(&bob, "offline"));
    let after = left.elapsed();
    assert!(after > Duration::from_secs(9) && after < Duration::from_secs(20), "offline after {after:?}, not 10 s");
    to_the_minute(&offline);
    // Who asks now is told the same. Then he comes.
    let mut a2 = live(&alice, "a2").await;
    watch(&mut a2, &[bob.id]).await;
    let told = a2.next().await;
    assert_fields(&told, &presence(&bob, "offline"));
    to_the_minute(&told);
    let came = Instant::now();
    let _legacy = bob.connect().await;
    for device in [&mut a, &mut a2] {
        assert_fields(&device.next().await, &presence(&bob, "online"));
    }
    assert!(came.elapsed() < Duration::from_secs(5), "online after {:?}, not at once", came.elapsed());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_back_within_ten_seconds_was_never_away() {
    let server = TestServer::start_alone(|_| {}).await;
    let (_, bob, mut a, b) = partners(&server).await;
    watch(&mut a, &[bob.id]).await;
    assert_fields(&a.next().await, &presence(&bob, "online"));
    drop(b.socket.into_stream());
    let gone = async || (server.open_sockets() == 1).then_some(());
    fluent_backend::testing::eventually("bob's socket is gone", gone).await;
    let _b = live(&bob, "b").await;
    // Here the silence is what is tested.
    let told = tokio::time::timeout(Duration::from_secs(12), a.next()).await;
    assert!(told.is_err(), "nobody should notice: {told:?}");
    server.stop().await;
}

#[tokio::test]
async fn nobody_else_is_told_and_others_are_skipped_without_a_word() {
    let server = TestServer::start_alone(|_| {}).await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let stranger = server.sign_up("stranger").await;
    let _s = live(&stranger, "s").await;
    b.store(alice.id, "only one side has written").await;
    a.expect("message").await;
    watch(&mut a, &[bob.id, stranger.id, 4711]).await;
    nothing_came(&mut a, "neither strangers, nor who was never answered, nor who does not exist").await;
    watch(&mut b, &[alice.id]).await;
    nothing_came(&mut b, "nor the other way round").await;
    exchange(&mut a, &mut b, "the answer").await;
    watch(&mut a, &[bob.id, stranger.id]).await;
    assert_fields(&a.next().await, &presence(&bob, "online"));
    // Neither history nor replay knows of it.
    let (_, missed) = alice.live_device("late", Some(&a.cursor(0))).await;
    assert!(missed.iter().all(|frame| frame["type"] == "message"), "{missed:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_new_list_replaces_the_old_one_of_this_socket() {
    let server = TestServer::start_alone(|_| {}).await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let mut a2 = live(&alice, "a2").await;
    watch(&mut a, &[bob.id]).await;
    watch(&mut a2, &[bob.id]).await;
    for device in [&mut a, &mut a2] {
        assert_fields(&device.next().await, &presence(&bob, "online"));
    }
    watch(&mut a, &[]).await;
    a.ask(&json!({"type": "ping"})).await;
    bob.http.put("/users/me/settings", &json!({"presence": false})).await.ok();
    assert_fields(&a2.next().await, &presence(&bob, "offline"));
    exchange(&mut b, &mut a, "and the other socket watches no longer").await;
    let most: Vec<i32> = (1..=256).collect();
    watch(&mut a, &most).await;
    assert_fields(&a.ask(&json!({"type": "ping"})).await, &json!({"type": "pong"}));
    server.stop().await;
}

/// Partners who watch each other and are both shown online.
async fn watching_each_other(server: &TestServer) -> (TestClient, TestClient, TestDevice, TestDevice) {
    let (alice, bob, mut a, mut b) = partners(server).await;
    watch(&mut a, &[bob.id]).await;
    watch(&mut b, &[alice.id]).await;
    assert_fields(&a.next().await, &presence(&bob, "online"));
    assert_fields(&b.next().await, &presence(&alice, "online"));
    (alice, bob, a, b)
}

#[tokio::test]
async fn presence_switched_off_is_off_both_ways() {
    let server = TestServer::start_alone(|_| {}).await;
    let (alice, bob, mut a, mut b) = Box::pin(watching_each_other(&server)).await;
    let settings: Value = bob.http.put("/users/me/settings", &json!({"presence": false})).await.ok().json();
    assert_eq!(settings, json!({"presence": false, "read_receipts": true}), "both settings are answered");
    assert_fields(&a.next().await, &merged(&presence(&bob, "offline"), json!({"last_seen": null})));
    assert_fields(&b.next().await, &merged(&presence(&alice, "offline"), json!({"last_seen": null})));
    for (device, user) in [(&mut a, &bob), (&mut b, &alice)] {
        watch(device, &[user.id]).await;
        nothing_came(device, "who is hidden is skipped, and who hides sees nobody").await;
    }
    bob.http.put("/users/me/settings", &json!({"presence": true})).await.ok();
    watch(&mut a, &[bob.id]).await;
    assert_fields(&a.read_until("presence").await.1, &presence(&bob, "online"));
    server.stop().await;
}

#[tokio::test]
async fn blocking_ends_presence_both_ways() {
    let server = TestServer::start_alone(|_| {}).await;
    let (alice, bob, mut a, mut b) = Box::pin(watching_each_other(&server)).await;
    assert_eq!(bob.http.put(&format!("/users/{}/block", alice.id), &json!({})).await.status, 204);
    assert_fields(&a.next().await, &merged(&presence(&bob, "offline"), json!({"last_seen": null})));
    let (_, told) = b.read_until("presence").await;
    assert_fields(&told, &merged(&presence(&alice, "offline"), json!({"last_seen": null})));
    watch(&mut a, &[bob.id]).await;
    nothing_came(&mut a, "they are no partners now").await;
    server.stop().await;
}

#[tokio::test]
async fn a_device_in_the_background_is_not_there() {
    let server = TestServer::start_alone(|_| {}).await;
    let (alice, bob) = two_users(&server).await;
    // Bob has never had a socket.
    for (user, partner) in [(&alice, bob.id), (&bob, alice.id)] {
        user.http.post("/chat/messages", &send_frame(partner, "by post")).await.ok();
    }
    let mut a = live(&alice, "a").await;
    let query = "device_id=b&mode=background";
    let mut b = TestDevice::open(server.addr(), &bob.tokens.access_token, query).await.unwrap();
    b.expect("live").await;
    watch(&mut a, &[bob.id]).await;
    assert_fields(&a.next().await, &presence(&bob, "offline"));
    exchange(&mut a, &mut b, "but it gets its messages").await;
    let _front = live(&bob, "front").await;
    assert_fields(&a.next().await, &presence(&bob, "online"));
    server.stop().await;
}

#[tokio::test]
async fn typing_is_told_to_the_partners_devices_and_not_too_often() {
    let server = TestServer::start_alone(|config| config.limits.enabled = true).await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let (mut a2, mut b2) = (live(&alice, "a2").await, live(&bob, "b2").await);
    let typing = json!({"type": "typing", "to": bob.id, "active": true});
    for _ in 0..20 {
        a.send(&typing).await;
    }
    let stored = a.store(bob.id, "m").await;
    for device in [&mut b, &mut b2] {
        let (before, message) = device.read_until("message").await;
        assert_eq!(column(&before, "type"), ["typing"], "one in three seconds");
        let expected = json!({"conversation_id": message["conversation_id"], "user_id": alice.id, "active": true});
        assert_fields(&before[0], &merged(&expected, json!({"seq": null})));
    }
    assert_eq!(a2.next().await["id"], stored["id"], "nothing for the own devices");
    // The pause is what is tested.
    tokio::time::sleep(Duration::from_millis(3_300)).await;
    a.send(&typing).await;
    assert_fields(&b.next().await, &json!({"type": "typing"}));
    let (_, missed) = bob.live_device("late", Some(&a.cursor(0))).await;
    assert!(missed.iter().all(|frame| frame["type"] == "message"), "it is never stored: {missed:?}");
    server.stop().await;
}

#[tokio::test]
async fn typing_goes_only_to_someone_who_has_written_to_the_typist() {
    let server = TestServer::start_alone(|_| {}).await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    exchange(&mut a, &mut b, "alice has written").await;
    a.send(&json!({"type": "typing", "to": bob.id, "active": true})).await;
    a.send(&json!({"type": "typing", "to": 4711, "active": true})).await;
    exchange(&mut a, &mut b, "and bob is told nothing else").await;
    b.send(&json!({"type": "typing", "to": alice.id, "active": true})).await;
    assert_fields(&a.next().await, &json!({"type": "typing", "user_id": bob.id, "active": true}));
    server.stop().await;
}

#[tokio::test]
async fn typing_stops_where_one_has_blocked_the_other() {
    let server = TestServer::start_alone(|_| {}).await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    bob.http.put(&format!("/users/{}/block", alice.id), &json!({})).await.ok();
    b.expect("block").await;
    a.send(&json!({"type": "typing", "to": bob.id, "active": true})).await;
    b.send(&json!({"type": "typing", "to": alice.id, "active": true})).await;
    for device in [&mut a, &mut b] {
        assert_fields(&device.ask(&json!({"type": "ping"})).await, &json!({"type": "pong"}));
    }
    nothing_came(&mut a, "to the one who is blocked").await;
    nothing_came(&mut b, "to the one who has blocked").await;
    server.stop().await;
}

/// A first chat: the two become partners while one already watches the other.
#[tokio::test]
async fn who_watches_is_told_when_they_become_partners() {
    let server = TestServer::start_alone(|_| {}).await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    a.send(&json!({"type": "presence", "watch": [bob.id]})).await;
    a.store(bob.id, "hello").await;
    b.expect("message").await;
    b.store(alice.id, "hello back").await;
    let (before, told) = a.read_until("presence").await;
    assert_eq!(before.len(), 1, "only the message: {before:?}");
    assert_eq!((&told["user_id"], &told["status"]), (&json!(bob.id), &json!("online")));
    server.stop().await;
}

/// A user who stops typing is not shown as typing for another few seconds.
#[tokio::test]
async fn that_somebody_has_stopped_typing_is_told_at_once_and_always() {
    let server = TestServer::start_alone(|config| config.limits.enabled = true).await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let typing = |active: bool| json!({"type": "typing", "to": bob.id, "active": active});
    for active in [true, false, true, true, false, true, false] {
        a.send(&typing(active)).await;
    }
    let mut told = Vec::new();
    while told.len() < 4 {
        let frame = b.expect("typing").await;
        assert_fields(&frame, &json!({"user_id": alice.id}));
        told.push(frame["active"].as_bool().unwrap());
    }
    assert_eq!(told, [true, false, false, false], "in their order; repeated ones do not begin anew");
    // Each has given back its credit: there is room for many more.
    for _ in 0..100 {
        a.send(&typing(false)).await;
    }
    for _ in 0..100 {
        assert_fields(&b.expect("typing").await, &json!({"active": false}));
    }
    server.stop().await;
}
