//! What is kept of devices and requests does not grow with time.

use fluent_backend::testing::{TestData, eventually};

use super::double::{Provider, pushing_on, register, send, targets, woken_in_time};
use crate::support::tables::count;
use crate::support::v1::stopped_clock;

const DAY: i64 = 24 * 3600;

#[tokio::test]
async fn ninety_days_of_wake_ups_leave_the_requests_of_the_last_seven() {
    let (provider, clock) = (Provider::new(), stopped_clock());
    let data = TestData::of_one().await;
    let server = pushing_on(data.clone(), &provider, clock.clone(), |config| {
        config.messages.clear_every_ms = 10;
        (config.auth.access_token_s, config.auth.refresh_token_s) = (300 * DAY, 400 * DAY);
    })
    .await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    for day in 0..90 {
        register(&bob, "b").await;
        send(&alice, bob.id, &format!("day {day}"), None).await;
        woken_in_time(&provider, &clock, "token-b", day + 1).await;
        clock.advance_secs(DAY);
    }
    let attempts = async || count(&data, "push_attempts").await;
    eventually("old requests are dropped", async || (attempts().await <= 7).then_some(())).await;
    assert_eq!(count(&data, "push_targets").await, 1);
    // A phone that has gone is forgotten.
    clock.advance_secs(61 * DAY);
    eventually("the device is forgotten", async || targets(&bob).await.is_empty().then_some(())).await;
    eventually("nothing is left", async || (attempts().await == 0).then_some(())).await;
    server.stop().await;
}
