//! People and frames for the tests of `fluent.v1`.

use fluent_backend::clock::Clock;
use fluent_backend::domain::Timestamp;
pub(crate) use fluent_backend::testing::send_frame;
use fluent_backend::testing::{TestClient, TestDevice, TestServer};
use serde_json::Value;

/// Two users who do not know each other yet.
pub(crate) async fn two_users(server: &TestServer) -> (TestClient, TestClient) {
    (server.sign_up("alice").await, server.sign_up("bob").await)
}

/// Two users, each with one device that is live: `a` and `b`.
pub(crate) async fn two_live(server: &TestServer) -> (TestClient, TestClient, TestDevice, TestDevice) {
    let (alice, bob) = two_users(server).await;
    let (a, b) = (live(&alice, "a").await, live(&bob, "b").await);
    (alice, bob, a, b)
}

/// Two users who have written to each other, so partners, each with one device that is live.
pub(crate) async fn partners(server: &TestServer) -> (TestClient, TestClient, TestDevice, TestDevice) {
    let (alice, bob, mut a, mut b) = Box::pin(two_live(server)).await;
    a.store(bob.id, "hello").await;
    b.expect("message").await;
    b.store(alice.id, "hello back").await;
    a.expect("message").await;
    (alice, bob, a, b)
}

/// Opens one more device of a user and reads up to its `live`; it begins at the present.
pub(crate) async fn live(user: &TestClient, device_id: &str) -> TestDevice {
    let (device, missed) = user.live_device(device_id, None).await;
    assert_eq!(missed, Vec::<Value>::new(), "without `since` nothing comes before `live`");
    device
}

/// A copy of the frame with these keys set.
pub(crate) fn merged(frame: &Value, changes: Value) -> Value {
    let (mut frame, Value::Object(changes)) = (frame.clone(), changes) else { panic!("not an object") };
    for (key, value) in changes {
        frame[key] = value;
    }
    frame
}

/// A copy of the frame without this key.
pub(crate) fn without(frame: &Value, key: &str) -> Value {
    let mut frame = frame.clone();
    frame.as_object_mut().unwrap().remove(key);
    frame
}

/// Fails the test when one of these keys has another value. `null` stands for null or absent.
#[track_caller]
pub(crate) fn assert_fields(frame: &Value, expected: &Value) {
    for (key, value) in expected.as_object().expect("an object") {
        assert_eq!(&frame[key], value, "`{key}` of {frame}");
    }
}

/// An integer of a frame.
#[track_caller]
pub(crate) fn integer(frame: &Value, key: &str) -> i64 {
    let Some(value) = frame[key].as_i64() else { panic!("no integer `{key}` in {frame}") };
    value
}

/// The `seq` of a frame.
#[track_caller]
pub(crate) fn seq(frame: &Value) -> i64 {
    integer(frame, "seq")
}

/// The values of one key, in order.
pub(crate) fn column<'a>(frames: &'a [Value], key: &str) -> Vec<&'a Value> {
    frames.iter().map(|frame| &frame[key]).collect()
}

/// Sends a message from one live device to another; returns the sender's `stored` and the receiver's `message`.
pub(crate) async fn exchange(from: &mut TestDevice, to: &mut TestDevice, text: &str) -> (Value, Value) {
    let receiver = i32::try_from(integer(&to.hello, "user_id")).unwrap();
    let stored = from.store(receiver, text).await;
    let message = to.expect("message").await;
    assert_eq!(message["id"], stored["id"], "{message}");
    (stored, message)
}

/// A user's history with a partner, newest first, in one page.
pub(crate) async fn history(user: &TestClient, partner: i32) -> Vec<Value> {
    user.http.get(&format!("/chat/all_messages?partnerID={partner}&limit=100")).await.ok().json()
}

/// A user's conversations, newest first.
pub(crate) async fn conversations(user: &TestClient) -> Vec<Value> {
    user.http.get("/chat/conversations").await.ok().json()
}

/// A user's conversation with a partner.
pub(crate) async fn conversation(user: &TestClient, partner: i32) -> Value {
    let all = conversations(user).await;
    let found = all.iter().find(|conversation| conversation["partner"]["id"] == partner);
    found.unwrap_or_else(|| panic!("no conversation with {partner} in {all:?}")).clone()
}

/// A user's chat list.
pub(crate) async fn chat_list(user: &TestClient) -> Vec<Value> {
    user.http.get("/chat/chat_list").await.ok().json()
}

/// A clock that stands at 2026-09-21T14:13:20Z.
pub(crate) fn stopped_clock() -> Clock {
    Clock::stopped_at(Timestamp::from_micros(1_790_000_000_000_000))
}

/// Logs a user in once more, for when time has gone by and the old tokens have expired.
pub(crate) async fn log_in_again(server: &TestServer, user: &TestClient) -> TestClient {
    TestClient::log_in(server.http(), &user.name, user.id).await
}
