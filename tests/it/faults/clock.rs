//! A clock that steps backwards, as it does when it is set right.

use fluent_backend::clock::Clock;
use fluent_backend::testing::{Http, TestClient, TestData, TestServer, eventually, send_frame};
use serde_json::{Value, json};

use crate::support::binary::ServerProcess;
use crate::support::sample;
use crate::support::v1::{conversations, exchange, history, live, log_in_again, seq, stopped_clock, two_users};

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_backwards_changes_no_order() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let (alice, bob) = two_users(&server).await;
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let start = b.cursor(0);
    let mut stored = Vec::new();
    for (number, step) in [0, -3600, 60, -86_400, 7200].into_iter().enumerate() {
        clock.advance_secs(step);
        for part in 0..3 {
            stored.push(exchange(&mut a, &mut b, &format!("{number}.{part}")).await.0);
        }
    }
    let grows = |key: &str| stored.is_sorted_by(|x, y| x[key].as_str() < y[key].as_str());
    assert!(grows("timestamp") && stored.is_sorted_by(|x, y| seq(x) < seq(y)), "{stored:?}");
    // The signed-in stay so, a resend is recognised, and all of it is told in its order.
    let again = a.ask(&send_frame(bob.id, "0.0")).await;
    assert_eq!((&again["duplicate"], &again["id"]), (&json!(true), &stored[0]["id"]));
    let newest_first: Vec<_> = history(&bob, alice.id).await.iter().map(|message| message["id"].clone()).collect();
    assert_eq!(newest_first, stored.iter().rev().map(|message| message["id"].clone()).collect::<Vec<_>>());
    let (_, told) = bob.live_device("late", Some(&start)).await;
    let ids = told.iter().filter(|event| event["type"] == "message").map(|event| event["id"].clone());
    assert!(ids.eq(stored.iter().map(|message| message["id"].clone())), "{told:?}");
    server.stop().await;
}

/// A message that expires does so by the time that it was given, however the clock jumps meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_backwards_expires_nothing_early() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), |config| config.messages.clear_every_ms = 20).await;
    let (alice, bob) = two_users(&server).await;
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let mut expiring = send_frame(bob.id, "short");
    expiring["expires_in_s"] = json!(60);
    let stored = a.ask(&expiring).await;
    b.expect("message").await;
    clock.advance_secs(-600);
    assert_eq!(history(&bob, alice.id).await.len(), 1);
    clock.advance_secs(659);
    exchange(&mut a, &mut b, "still there").await;
    assert_eq!(history(&bob, alice.id).await.len(), 2);
    clock.advance_secs(2);
    assert_eq!((&a.expect("deleted").await["id"], &b.expect("deleted").await["id"]), (&stored["id"], &stored["id"]));
    assert_eq!(history(&bob, alice.id).await.len(), 1);
    server.stop().await;
}

/// The store's newest time stamp is `ahead` seconds in the future, and the clock is right again. The janitor that has
/// seen the future is gone.
async fn ahead_by(ahead: i64, run: impl AsyncFnOnce(TestServer, Clock)) {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let (alice, bob) = two_users(&server).await;
    clock.advance_secs(ahead);
    let (alice, bob) = (log_in_again(&server, &alice).await, log_in_again(&server, &bob).await);
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    exchange(&mut a, &mut b, "from the future").await;
    drop((a, b));
    let data = server.stop_keeping_data().await;
    clock.advance_secs(-ahead);
    let server = TestServer::start_on(data, clock.clone(), |config| {
        config.messages.clear_every_ms = 20;
        config.messages.retention_days = 30;
        config.messages.retention_every_s = 0;
    });
    Box::pin(run(server.await, clock)).await;
}

fn micros(value: &Value) -> i64 {
    value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// What expires does so by the time that passes from its commit, however far ahead the time stamps are.
#[tokio::test(flavor = "multi_thread")]
async fn time_stamps_ahead_of_the_clock_prolong_no_message() {
    for ahead in [HOUR, 6 * HOUR, 400 * DAY] {
        ahead_by(ahead, async |server, clock| {
            let (alice, bob) = people(&server).await;
            let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
            let start = b.cursor(0);
            let mut expiring = send_frame(bob.id, "short");
            expiring["expires_in_s"] = json!(60);
            let stored = a.ask(&expiring).await;
            let message = b.expect("message").await;
            assert!(micros(&message["timestamp"]) > clock.now().as_micros() + (ahead - 1) * 1_000_000, "one order");
            assert_eq!(micros(&message["expires_at"]), clock.now().as_micros() + 60_000_000, "{message}");
            // What a client measures against.
            assert_eq!(micros(&a.hello["server_time"]), clock.now().as_micros(), "{}", a.hello);
            clock.advance_secs(59);
            assert_eq!(history(&bob, alice.id).await.len(), 2);
            clock.advance_secs(1);
            for (user, partner) in [(&alice, bob.id), (&bob, alice.id)] {
                assert_eq!(history(user, partner).await.len(), 1, "every read leaves it out");
                let chats = conversations(user).await;
                assert_ne!(chats[0]["last_message"]["id"], stored["id"], "{chats:?}");
            }
            let (_, told) = bob.live_device("late", Some(&start)).await;
            assert!(told.iter().all(|event| event["type"] != "message" || event["id"] != stored["id"]), "{told:?}");
            for device in [&mut a, &mut b] {
                assert_eq!(device.expect("deleted").await["id"], stored["id"]);
            }
            // A resend finds it all the same.
            assert_eq!(a.ask(&expiring).await["duplicate"], json!(true));
            server.stop().await;
        })
        .await;
    }
}

/// The two users who are there already, with new logins.
async fn people(server: &TestServer) -> (TestClient, TestClient) {
    (TestClient::log_in(server.http(), "alice", 1).await, TestClient::log_in(server.http(), "bob", 2).await)
}

/// A day for deleting for everyone is a day, and retention's thirty are thirty, give or take the ten minutes between
/// two notes of the writer.
#[tokio::test(flavor = "multi_thread")]
async fn time_stamps_ahead_of_the_clock_prolong_no_term() {
    ahead_by(400 * DAY, async |server, clock| {
        let (alice, bob) = people(&server).await;
        let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
        let (early, _) = exchange(&mut a, &mut b, "early").await;
        let (late, _) = exchange(&mut a, &mut b, "late").await;
        let delete = |stored: &Value| json!({"type": "delete", "id": stored["id"], "for": "everyone", "ref": 1});
        clock.advance_secs(DAY - 1);
        assert_eq!(a.ask(&delete(&early)).await["type"], "deleted");
        b.expect("deleted").await;
        clock.advance_secs(15 * 60);
        let refused = a.ask(&delete(&late)).await;
        assert_eq!((&refused["type"], &refused["code"]), (&json!("error"), &json!("forbidden")), "{refused}");

        let (newer, _) = exchange(&mut a, &mut b, "a day later").await;
        drop((a, b));
        clock.advance_secs(29 * DAY + HOUR);
        // The messages of the first day are over, that of the second is not.
        let (alice, bob) = people(&server).await;
        let kept = async || {
            let found = history(&bob, alice.id).await;
            (found.len() == 1 && found[0]["id"] == newer["id"]).then_some(())
        };
        eventually("retention has ended what is older", kept).await;
        clock.advance_secs(DAY);
        let (alice, bob) = people(&server).await;
        eventually("and the rest", async || history(&bob, alice.id).await.is_empty().then_some(())).await;
        server.stop().await;
    })
    .await;
}

/// The time limit of a deletion runs by the clock, not by time stamps that a jump has set ahead.
#[tokio::test(flavor = "multi_thread")]
async fn time_stamps_ahead_of_the_clock_shorten_no_term() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let (alice, bob) = two_users(&server).await;
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let (stored, _) = exchange(&mut a, &mut b, "before").await;
    clock.advance_secs(2 * DAY);
    a.store(alice.id, "from the future").await;
    clock.advance_secs(-2 * DAY + HOUR);
    let deleted = a.ask(&json!({"type": "delete", "id": stored["id"], "for": "everyone", "ref": 1})).await;
    assert_eq!(deleted["type"], "deleted", "{deleted}");
    server.stop().await;
}

/// Operators see how far the time stamps are ahead. On a process of its own, since metrics and the log are of a
/// process.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_ahead_of_the_clock_is_told() {
    let data = TestData::new().await;
    let quick = [("FLUENT__MESSAGES__CLEAR_EVERY_MS", "20")];
    let server = ServerProcess::start_on(&data, &quick).await;
    let told = |server: &ServerProcess| server.log().matches("ahead of the clock").count();
    let gauge = async |server: &ServerProcess| {
        let admin = server.greeting.split("http://").find_map(|rest| Some(rest.split_once("/metrics")?.0)).unwrap();
        let metrics = Http::new(admin.parse().unwrap()).get("/metrics").await.text();
        sample(&metrics, "fluent_store_ahead_seconds").unwrap()
    };
    assert!((told(&server), gauge(&server).await < 1.0) == (0, true), "{}", server.log());
    assert!(server.stop().await.success());
    let url = if data.is_sqlite() {
        format!("sqlite://{}", data.path().join("data/fluent.db").display())
    } else {
        data.url().to_owned()
    };
    let db = sea_orm::Database::connect(url).await.unwrap();
    let future = Clock::system().now().plus_secs(6 * HOUR).as_micros();
    sea_orm::ConnectionTrait::execute_unprepared(&db, &format!("UPDATE store SET clock = {future}")).await.unwrap();
    db.close().await.unwrap();
    let server = ServerProcess::start_on(&data, &quick).await;
    eventually("it is told", async || (told(&server) > 0).then_some(())).await;
    let ahead = gauge(&server).await;
    assert!((21_000.0..=21_600.0).contains(&ahead), "{ahead}");
    // Once, and not at every look.
    let alice = TestClient::sign_up(server.http(), "alice").await;
    live(&alice, "a").await.store(alice.id, "note").await;
    assert_eq!(told(&server), 1, "{}", server.log());
    assert!(server.stop().await.success());
}
