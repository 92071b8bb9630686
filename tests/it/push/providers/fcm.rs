//! Firebase Cloud Messaging.

use std::time::Duration;

use fluent_backend::domain::PushOutcome::{Accepted, Config, Dead, Retry};
use fluent_backend::push::{Admission, Hold, ProviderState, Sender as _};
use futures_util::future::join_all;

use super::{Line, fcm};
use crate::support::push::{PROJECT, Plan};

fn problem(status: &str, code: &str) -> String {
    format!(r#"{{"error":{{"status":"{status}","message":"secret","details":[{{"errorCode":"{code}"}}]}}}}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wake_up_is_one_data_message_with_a_collapse_key() {
    let line = Line::start().await;
    assert_eq!(line.providers.offers().fcm.unwrap().project_id, PROJECT);
    let sent = line.wake(&fcm("device-1")).await;
    assert_eq!((sent.outcome, sent.status, sent.reason), (Accepted, Some(200), None));
    assert_eq!(sent.provider_id.as_deref(), Some("0:1%abc"));
    let normal = line.send(&fcm("device-1"), false).await;
    assert_eq!(normal.outcome, Accepted);
    let messages = line.doubles.fcm.messages();
    assert_eq!(messages[0].json()["message"]["token"], "device-1");
    assert_eq!(messages[0].json()["message"]["data"]["w"], "AbCdEfGhIjKlMnOp");
    assert_eq!(messages[1].json()["message"]["android"]["ttl"], "86400s");
    line.doubles.check(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_access_token_is_fetched_for_all_that_wait_and_kept_until_shortly_before_its_end() {
    let line = Line::start().await;
    let devices: Vec<_> = (0..24).map(|n| fcm(&format!("device-{n}"))).collect();
    let sent = join_all(devices.iter().map(|device| line.outcome(device))).await;
    assert!(sent.iter().all(|outcome| *outcome == Accepted));
    assert_eq!((line.doubles.fcm.fetches(), line.doubles.fcm.messages().len()), (1, 24));
    line.clock.advance_secs(3298);
    assert_eq!((line.outcome(&devices[0]).await, line.doubles.fcm.fetches()), (Accepted, 1));
    line.clock.advance_secs(2);
    assert_eq!((line.outcome(&devices[0]).await, line.doubles.fcm.fetches()), (Accepted, 2));
    line.doubles.check(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_that_ends_early_is_replaced_once_for_all() {
    let line = Line::start().await;
    assert_eq!(line.outcome(&fcm("a")).await, Accepted);
    line.doubles.fcm.end_tokens();
    let devices: Vec<_> = (0..12).map(|n| fcm(&format!("device-{n}"))).collect();
    let sent = join_all(devices.iter().map(|device| line.outcome(device))).await;
    assert!(sent.iter().all(|outcome| *outcome == Accepted), "{sent:?}");
    assert_eq!(line.doubles.fcm.fetches(), 2);
    line.doubles.check(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_twice_stops_the_provider_until_somebody_mends_it() {
    let line = Line::start().await;
    let refusal = || Plan::body(401, &problem("UNAUTHENTICATED", ""));
    assert_eq!(line.outcome(&fcm("a")).await, Accepted);
    line.doubles.fcm.double().plan([refusal(), Plan::Good, refusal()]);
    let sent = line.wake(&fcm("a")).await;
    assert_eq!((sent.outcome, sent.for_all, sent.status), (Config, true, Some(401)));
    assert_eq!(line.doubles.fcm.fetches(), 2);
    let now = line.clock.now();
    let until = now.plus_secs(600);
    assert_eq!(line.providers.admit(&fcm("a"), now), Admission::Wait { until, why: Hold::Stopped });
    let status = line.providers.status(now);
    let status = status.iter().find(|status| status.provider.as_str() == "fcm").unwrap();
    assert_eq!((status.state, status.why.as_deref()), (ProviderState::Stopped, Some("UNAUTHENTICATED")));
    line.providers.reset();
    assert_eq!(line.providers.admit(&fcm("a"), now), Admission::Go);
    assert_eq!(line.outcome(&fcm("a")).await, Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_token_endpoint_refuses_is_a_matter_of_the_settings_and_its_failures_are_not() {
    for (status, body, outcome) in [
        (400, r#"{"error":"invalid_grant"}"#, Config),
        (401, r#"{"error":"invalid_client"}"#, Config),
        (403, "<html>", Config),
        (500, "<html>", Retry),
        (503, "", Retry),
        (200, "<html>", Retry),
        (200, r#"{"access_token":"a\nb"}"#, Retry),
    ] {
        let line = Line::start().await;
        line.doubles.fcm.plan_fetches([Plan::body(status, body)]);
        let sent = line.wake(&fcm("a")).await;
        assert_eq!((sent.outcome, sent.for_all), (outcome, outcome == Config), "{status} {body}");
        assert!(sent.reason.as_deref().is_some_and(|reason| reason.starts_with("token endpoint: ")), "{sent:?}");
        // Nobody asks again at once.
        assert_eq!((line.outcome(&fcm("b")).await, line.doubles.fcm.fetches()), (outcome, 1));
        line.clock.advance_secs(60);
        assert_eq!((line.outcome(&fcm("b")).await, line.doubles.fcm.fetches()), (Accepted, 2));
        assert_eq!(line.doubles.fcm.messages().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_fcm_come_to_their_outcomes() {
    let line = Line::start().await;
    let device = fcm("a");
    for (plan, outcome, for_all) in [
        (Plan::body(404, &problem("NOT_FOUND", "UNREGISTERED")), Dead, false),
        (Plan::body(403, &problem("PERMISSION_DENIED", "SENDER_ID_MISMATCH")), Config, false),
        (Plan::body(404, "<html>"), Config, true),
        (Plan::body(503, "<html>"), Retry, false),
        (Plan::redirect("http://127.0.0.1:1/"), Retry, false),
        (Plan::Reset, Retry, false),
    ] {
        assert_eq!(line.outcome(&device).await, Accepted);
        line.doubles.fcm.double().plan([plan.clone()]);
        let sent = line.wake(&device).await;
        assert_eq!((sent.outcome, sent.for_all), (outcome, for_all), "{plan:?}");
        assert!(sent.reason.is_some_and(|reason| !reason.contains("secret")));
    }
    line.doubles.check(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_pause_the_whole_provider() {
    for (plan, seconds) in [(Plan::retry_after(429, "7"), 7), (Plan::status(429), 60)] {
        let line = Line::start().await;
        line.doubles.fcm.double().plan([Plan::Good, plan]);
        let sent = line.wake(&fcm("a")).await;
        assert_eq!((sent.outcome, sent.after), (Retry, Some(Duration::from_secs(seconds))));
        let until = line.clock.now().plus_secs(i64::try_from(seconds).unwrap());
        let wait = Admission::Wait { until, why: Hold::Rate };
        assert_eq!(line.providers.admit(&fcm("b"), line.clock.now()), wait);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_answer_is_left_alone_after_five_times() {
    let line = Line::start_impatient().await;
    let device = fcm("a");
    assert_eq!(line.outcome(&device).await, Accepted);
    line.doubles.fcm.double().plan([Plan::Drip(200)]);
    assert_eq!(line.outcome(&device).await, Accepted, "a success whose body does not end was taken");
    line.doubles.fcm.double().plan([Plan::Hang, Plan::Drip(404), Plan::Hang, Plan::Hang, Plan::Hang]);
    let sent = join_all((0..5).map(|_| line.wake(&device))).await;
    assert!(sent.iter().all(|sent| sent.outcome == Retry), "{sent:?}");
    let until = line.clock.now().plus_secs(10);
    let now = line.clock.now();
    assert_eq!(line.providers.admit(&device, now), Admission::Wait { until, why: Hold::Breaker });
    line.clock.advance_secs(10);
    assert_eq!(line.providers.admit(&device, line.clock.now()), Admission::Go);
    assert_ne!(line.providers.admit(&device, line.clock.now()), Admission::Go, "one is let through");
    assert_eq!(line.outcome(&device).await, Accepted);
    assert_eq!(line.providers.admit(&device, line.clock.now()), Admission::Go);
}
