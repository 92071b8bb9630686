//! A clock that steps backwards, as it does when it is set right.

use fluent_backend::testing::{TestServer, letter};
use serde_json::json;

use crate::support::v1::{exchange, history, live, seq, stopped_clock, two};

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_backwards_changes_no_order() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let (alice, bob) = two(&server).await;
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
    let again = a.ask(&letter(bob.id, "0.0")).await;
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
    let (alice, bob) = two(&server).await;
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let mut expiring = letter(bob.id, "short");
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
