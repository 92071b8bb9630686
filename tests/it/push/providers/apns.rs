//! The Apple Push Notification service.

use std::time::Duration;

use fluent_backend::domain::ApnsEnvironment::{Production, Sandbox};
use fluent_backend::domain::ApnsStyle::{Alert, Background};
use fluent_backend::domain::PushOutcome::{Accepted, Config, Dead, GaveUp, Retry};
use fluent_backend::push::{Admission, Hold, Patience, Sender as _};
use fluent_backend::testing::eventually;
use futures_util::future::join_all;

use super::{Line, apple, token};
use crate::support::push::{Plan, TOPIC};

fn reason(status: u16, reason: &str) -> Plan {
    Plan::body(status, &format!(r#"{{"reason":"{reason}"}}"#))
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_and_what_comes_in_the_background_are_as_apple_wants_them() {
    let line = Line::start().await;
    assert_eq!(line.providers.offers().apns.unwrap().topics, [TOPIC]);
    let double = line.doubles.apns.double();
    for (style, is_urgent, kind) in
        [(Alert, true, "alert"), (Alert, false, "background"), (Background, true, "background")]
    {
        let sent = line.send(&apple('a', Production, style), is_urgent).await;
        assert_eq!((sent.outcome, sent.status), (Accepted, Some(200)));
        assert_eq!(double.last().header("apns-push-type"), kind);
        assert_eq!(sent.provider_id.as_deref(), Some(double.last().header("apns-id")));
        assert_eq!(double.last().path, format!("/3/device/{}", token('a')));
    }
    line.doubles.check(&[]);
}

/// The double finds fault with a second stream before the first 200.
#[tokio::test(flavor = "multi_thread")]
async fn all_go_over_one_connection_and_one_at_a_time_until_the_first_is_accepted() {
    let line = Line::start().await;
    let double = line.doubles.apns.double();
    double.plan([reason(410, "Unregistered"), reason(500, "InternalServerError")]);
    let devices: Vec<_> = ('0'..='9').chain('a'..='f').map(|digit| apple(digit, Production, Alert)).collect();
    let sent = join_all(devices.iter().map(|device| line.outcome(device))).await;
    assert_eq!(sent.iter().filter(|outcome| **outcome == Accepted).count(), 14, "{sent:?}");
    assert_eq!((double.connections(), line.doubles.apns.issued()), (1, vec![1_800_000_000]));
    line.doubles.check(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_apple_closes_is_replaced_without_a_failure() {
    let line = Line::start().await;
    let (device, double) = (apple('a', Production, Alert), line.doubles.apns.double());
    for plan in [Plan::GoAway, reason(503, "Shutdown"), Plan::Reset] {
        assert_eq!(line.outcome(&device).await, Accepted);
        double.plan([plan.clone()]);
        assert_eq!(line.outcome(&device).await, Accepted, "{plan:?}");
        assert_eq!(line.outcome(&device).await, Accepted, "{plan:?}");
    }
    assert_eq!(double.connections(), 4);
    // Twice in a row it is one.
    double.plan([Plan::Reset, Plan::Reset]);
    assert_eq!(line.outcome(&device).await, Retry);
    line.doubles.check(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_expired_by_apples_clock_is_replaced_once() {
    let line = Line::start().await;
    let (device, double) = (apple('a', Production, Alert), line.doubles.apns.double());
    double.plan([reason(403, "ExpiredProviderToken")]);
    assert_eq!(line.outcome(&device).await, Accepted);
    // Not rounded down the second time.
    assert_eq!(line.doubles.apns.issued(), [1_800_000_000, 1_800_000_123]);
    double.plan([reason(403, "ExpiredProviderToken")]);
    let sent = line.wake(&device).await;
    assert_eq!((sent.outcome, sent.for_all), (Config, true));
    assert_eq!(line.doubles.apns.issued().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_renewed_each_half_hour() {
    let line = Line::start().await;
    let device = apple('a', Production, Alert);
    for seconds in [1676, 1, 1799, 1] {
        assert_eq!(line.outcome(&device).await, Accepted);
        line.clock.advance_secs(seconds);
    }
    assert_eq!(line.outcome(&device).await, Accepted);
    assert_eq!(line.doubles.apns.issued(), [1_800_000_000, 1_800_001_800, 1_800_003_600]);
    line.doubles.check(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_changes_too_often_is_kept_and_the_provider_rests_for_twenty_minutes() {
    let line = Line::start().await;
    let device = apple('a', Production, Alert);
    line.doubles.apns.double().plan([reason(429, "TooManyProviderTokenUpdates")]);
    let sent = line.wake(&device).await;
    assert_eq!((sent.outcome, sent.after), (Retry, Some(Duration::from_mins(20))));
    let until = line.clock.now().plus_secs(1200);
    let wait = Admission::Wait { until, why: Hold::Rate };
    assert_eq!(line.providers.admit(&device, line.clock.now()), wait);
    line.clock.advance_secs(1199);
    assert_eq!(line.outcome(&device).await, Accepted);
    assert_eq!(line.doubles.apns.issued(), [1_800_000_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_for_one_device_hold_that_device_alone() {
    let line = Line::start().await;
    let device = apple('a', Production, Alert);
    line.doubles.apns.double().plan([reason(429, "TooManyRequests")]);
    let sent = line.wake(&device).await;
    assert_eq!((sent.outcome, sent.after), (Retry, Some(Duration::from_mins(1))));
    assert_eq!(line.providers.admit(&apple('b', Production, Alert), line.clock.now()), Admission::Go);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_other_environment_is_used_there() {
    let line = Line::start().await;
    let apns = &line.doubles.apns;
    apns.plan_for(&token('a'), [reason(400, "BadDeviceToken")]);
    assert_eq!(line.outcome(&apple('a', Production, Alert)).await, Accepted);
    apns.plan_for(&token('b'), [reason(400, "BadDeviceToken"), reason(400, "BadDeviceToken")]);
    assert_eq!(line.outcome(&apple('b', Sandbox, Alert)).await, Dead);
    apns.plan_for(&token('c'), [reason(400, "BadDeviceToken"), reason(503, "ServiceUnavailable")]);
    assert_eq!(line.outcome(&apple('c', Production, Alert)).await, Retry);
    // A key for one environment says nothing of a token of the other one.
    apns.plan_for(&token('d'), [reason(400, "BadDeviceToken"), reason(403, "BadEnvironmentKeyInToken")]);
    let sent = line.wake(&apple('d', Production, Alert)).await;
    assert_eq!((sent.outcome, sent.for_all), (Config, false));
    line.doubles.check(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_apple_come_to_their_outcomes() {
    let line = Line::start().await;
    let (device, double) = (apple('a', Production, Alert), line.doubles.apns.double());
    assert_eq!(line.outcome(&device).await, Accepted);
    // The device was registered at 1800000122.
    let since = |ms: u64| Plan::body(410, &format!(r#"{{"reason":"Unregistered","timestamp":{ms}}}"#));
    for (plan, outcome, for_all) in [
        (since(1_800_000_122_000), Dead, false),
        (since(1_800_000_121_999), GaveUp, false),
        (reason(410, "ExpiredToken"), Dead, false),
        (reason(400, "DeviceTokenNotForTopic"), Config, false),
        (reason(400, "TopicDisallowed"), Config, false),
        (reason(400, "BadMessageId"), GaveUp, false),
        (reason(413, "PayloadTooLarge"), GaveUp, false),
        (reason(403, "InvalidProviderToken"), Config, true),
        (Plan::body(403, "<html>"), Retry, false),
        (reason(500, "InternalServerError"), Retry, false),
        (Plan::redirect("https://127.0.0.1:1/"), Retry, false),
    ] {
        double.plan([plan.clone()]);
        let sent = line.wake(&device).await;
        assert_eq!((sent.outcome, sent.for_all), (outcome, for_all), "{plan:?}");
        assert_eq!(line.outcome(&device).await, Accepted);
    }
    line.doubles.check(&[]);
}

/// Whoever registers tokens of the sandbox cannot stop what others have in production.
#[tokio::test(flavor = "multi_thread")]
async fn the_two_environments_do_not_stop_each_other() {
    let line = Line::start().await;
    line.doubles.apns.double().plan([reason(403, "InvalidProviderToken")]);
    assert!(line.wake(&apple('a', Sandbox, Alert)).await.for_all);
    let admit = |environment| line.providers.admit(&apple('b', environment, Alert), line.clock.now());
    assert_ne!(admit(Sandbox), Admission::Go);
    assert_eq!(admit(Production), Admission::Go);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_stream_that_hangs_does_not_wait_for_ever() {
    let line = Line::start_impatient().await;
    let double = line.doubles.apns.double();
    double.plan([Plan::Hang]);
    let devices = ['a', 'b', 'c'].map(|digit| apple(digit, Production, Alert));
    let sent = join_all(devices.iter().map(|device| line.outcome(device))).await;
    assert_eq!(sent, [Retry; 3]);
    assert_eq!(line.outcome(&devices[0]).await, Accepted);
    double.plan([Plan::Drip(200), Plan::Drip(410)]);
    assert_eq!(line.outcome(&devices[0]).await, Accepted);
    assert_eq!(line.outcome(&devices[0]).await, Retry);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_tried_and_goes_on() {
    let line = Line::start().await.with(Patience { ping: Duration::from_millis(50), ..Patience::default() });
    let (device, double) = (apple('a', Production, Alert), line.doubles.apns.double());
    assert_eq!(line.outcome(&device).await, Accepted);
    eventually("pings", async || (double.pings() >= 3).then_some(())).await;
    assert_eq!((line.outcome(&device).await, double.connections()), (Accepted, 1));
}
