//! Presence, typing, and sockets that give way to younger ones, across servers.

use fluent_backend::clock::Clock;
use fluent_backend::testing::{NatsLink, TestClient, TestDevice, send_frame};
use serde_json::json;

use super::*;
use crate::engines::two_servers::at;
use crate::support::v1::{assert_fields, live};

/// A server whose clock is wrong by so many seconds, and which soon notices that others have gone.
async fn server_at(database: &TestDatabase, url: &str, seconds: i64) -> TestServer {
    let server = TestServer::start_at(Clock::wrong_by_secs(seconds), |config| {
        config.auth.secret_key = SECRET.into();
        config.database.url = database.url().into();
        config.cluster.nats_url = url.into();
        config.cluster.dead_after_s = 5;
        config.server.drain_window_s = 1;
    })
    .await;
    relay_is(&server, "nats").await;
    server
}

async fn relay_is(server: &TestServer, way: &str) {
    let is_so = async || {
        let ready: Value = server.http().get("/readyz").await.ok().json();
        (ready["relay"] == way).then_some(())
    };
    eventually(&format!("the relay is {way}"), is_so).await;
}

/// Alice at the first server watches Bob, who is at the second. They are partners.
struct Watch {
    one: TestServer,
    two: TestServer,
    link: NatsLink,
    alice: TestClient,
    bob: TestClient,
    a: TestDevice,
    b: TestDevice,
    nats: Nats,
}

impl Watch {
    async fn begin(database: &TestDatabase) -> Option<Self> {
        let nats = nats().await?;
        let link = NatsLink::to(nats.addr()).await.unwrap();
        let one = Box::pin(server_at(database, &nats.url(), 5)).await;
        let two = Box::pin(server_at(database, &link.url(), -5)).await;
        let (alice, bob) = (one.sign_up("alice").await, two.sign_up("bob").await);
        let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
        a.store(bob.id, "hello").await;
        b.expect("message").await;
        b.store(alice.id, "hello back").await;
        a.expect("message").await;
        a.send(&json!({"type": "presence", "watch": [bob.id]})).await;
        let mut this = Self { one, two, link, alice, bob, a, b, nats };
        // What is shown first depends on which comes first, the socket's word or the question.
        while this.next_status().await != "online" {}
        Some(this)
    }

    async fn next_status(&mut self) -> String {
        let frame = self.a.expect("presence").await;
        assert_eq!(frame["user_id"], self.bob.id);
        frame["status"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_and_typing_reach_who_is_at_another_server() {
    let Some(database) = database().await else { return };
    let Some(mut watch) = Watch::begin(&database).await else { return };
    for active in [true, false] {
        watch.b.send(&json!({"type": "typing", "to": watch.alice.id, "active": active})).await;
        assert_fields(&watch.a.expect("typing").await, &json!({"user_id": watch.bob.id, "active": active}));
    }
    for (shows, status) in [(false, "offline"), (true, "online")] {
        watch.bob.http.put("/users/me/settings", &json!({"presence": shows})).await.ok();
        assert_eq!(watch.next_status().await, status);
    }
    let elsewhere = live(&at(&watch.one, &watch.bob).await, "b").await;
    // From the one server to the other, and away.
    assert_eq!(watch.b.socket.close_code().await, 4003);
    elsewhere.socket.close().await;
    let offline = watch.a.expect("presence").await;
    assert!(offline["status"] == "offline" && offline["last_seen"].is_string(), "{offline}");
    watch.two.stop().await;
    watch.one.stop().await;
}

/// Whatever the clocks say, the socket that was opened last stays.
#[tokio::test(flavor = "multi_thread")]
async fn one_device_has_one_socket_on_all_servers() {
    let Some(database) = database().await else { return };
    let Some(watch) = Watch::begin(&database).await else { return };
    let elsewhere = at(&watch.one, &watch.bob).await;
    let mut open = live(&watch.bob, "d").await;
    for round in 0..10 {
        let user = if round % 2 == 0 { &elsewhere } else { &watch.bob };
        let next = live(user, "d").await;
        assert_eq!(std::mem::replace(&mut open, next).socket.close_code().await, 4003);
    }
    for _ in 0..30 {
        // One of them may be closed before it is live.
        let (mut one, mut two) = tokio::join!(elsewhere.device("d", None), watch.bob.device("d", None));
        assert_eq!(open.socket.close_code().await, 4003);
        let closed = tokio::select! {
            code = one.socket.close_code() => (code, &mut two),
            code = two.socket.close_code() => (code, &mut one),
        };
        assert_eq!(closed.0, 4003);
        // The other one stays, and works.
        closed.1.send(&send_frame(watch.alice.id, "still here")).await;
        closed.1.read_until("stored").await;
        open = std::mem::replace(closed.1, live(&watch.bob, "spare").await);
    }
    open.store(watch.alice.id, "the last").await;
    watch.two.stop().await;
    watch.one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_eleventh_socket_closes_the_oldest_wherever_it_is() {
    let Some(database) = database().await else { return };
    let Some(watch) = Watch::begin(&database).await else { return };
    let three = server_at(&database, &watch.nats.url(), 0).await;
    let users = [watch.bob.clone(), at(&watch.one, &watch.bob).await, at(&three, &watch.bob).await];
    let mut devices = std::collections::VecDeque::from([watch.b]);
    for count in 1..20 {
        devices.push_back(live(&users[count % 3], &format!("d{count}")).await);
        if devices.len() > 10 {
            assert_eq!(devices.pop_front().unwrap().socket.close_code().await, 4002, "the {count}th");
        }
    }
    for mut device in devices {
        device.so_far().await;
    }
    three.stop().await;
    watch.two.stop().await;
    watch.one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_users_of_a_server_that_was_killed_go_offline() {
    let Some(database) = database().await else { return };
    let Some(mut watch) = Watch::begin(&database).await else { return };
    watch.link.sever();
    drop(watch.b);
    drop(watch.two);
    let offline = watch.a.expect("presence").await;
    assert!(offline["status"] == "offline" && offline["last_seen"].is_string(), "{offline}");
    watch.one.stop().await;
}

/// A phone that moves to another server while its own one stops is never shown offline.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_shows_nobody_offline_who_comes_back() {
    let Some(database) = database().await else { return };
    let Some(mut watch) = Watch::begin(&database).await else { return };
    let elsewhere = at(&watch.one, &watch.bob).await;
    let mut b = watch.b;
    let ((), back) = tokio::join!(watch.two.drain(), async {
        assert_eq!(b.socket.close_code().await, 1012);
        live(&elsewhere, "b").await
    });
    let is_alone = async || {
        let answer: Value = watch.one.admin().get("/admin/cluster").await.ok().json();
        (answer["nodes"].as_array().unwrap().len() == 1).then_some(())
    };
    eventually("the other server has gone", is_alone).await;
    let told = watch.a.so_far().await;
    assert!(told.iter().all(|frame| frame["status"] != "offline"), "{told:?}");
    drop(back);
    watch.one.stop().await;
}

/// While nothing is heard, users count as they were; then it is found out who has left meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn without_nats_presence_is_frozen() {
    let Some(database) = database().await else { return };
    let Some(mut watch) = Watch::begin(&database).await else { return };
    watch.link.sever();
    relay_is(&watch.two, "polling").await;
    let away = live(&watch.bob, "b").await;
    assert_eq!(watch.b.socket.close_code().await, 4003);
    away.socket.close().await;
    assert_eq!(watch.a.so_far().await, Vec::<Value>::new());
    watch.link.mend();
    assert_eq!(watch.next_status().await, "offline");
    watch.two.stop().await;
    watch.one.stop().await;
}
