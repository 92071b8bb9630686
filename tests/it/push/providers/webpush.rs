//! Web Push.

use std::time::Duration;

use fluent_backend::domain::PushOutcome::{Accepted, Config, Dead, GaveUp, Retry};
use fluent_backend::push::{Admission, Hold, Sender as _};

use super::Line;
use crate::support::push::Plan;

#[tokio::test(flavor = "multi_thread")]
async fn a_wake_up_is_encrypted_for_the_browser_and_always_of_one_size() {
    let line = Line::start().await;
    assert_eq!(line.providers.offers().webpush.unwrap().vapid_public_key.len(), 87);
    let subscription = line.doubles.webpush.subscribe();
    let sent = line.wake(&subscription.address()).await;
    assert_eq!((sent.outcome, sent.status, sent.reason), (Accepted, Some(201), None));
    assert_eq!(line.send(&subscription.address(), false).await.outcome, Accepted);
    let double = line.doubles.webpush.double();
    let urgencies: Vec<String> = double.captured().iter().map(|captured| captured.header("urgency").into()).collect();
    assert_eq!(urgencies, ["high", "normal"]);
    let text = r#"{"t":"wake","w":"AbCdEfGhIjKlMnOp"}"#;
    assert_eq!(line.doubles.webpush.decrypted(), [text, text]);
    let [first, second] = double.captured().try_into().unwrap();
    assert_ne!(first.body[..86], second.body[..86], "salt and key are new for each push");
    assert_eq!(first.header("authorization"), second.header("authorization"), "the token is kept");
    line.doubles.check(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_web_push_come_to_their_outcomes() {
    let line = Line::start().await;
    let (address, double) = (line.doubles.webpush.subscribe().address(), line.doubles.webpush.double());
    for (plan, outcome) in [
        (Plan::status(200), Accepted),
        (Plan::status(202), Accepted),
        (Plan::status(404), Dead),
        (Plan::status(410), Dead),
        (Plan::redirect("http://127.0.0.1:1/"), Dead),
        (Plan::body(401, "<html>"), Config),
        (Plan::body(403, r#"{"reason":"BadJwtToken"}"#), Config),
        (Plan::status(400), GaveUp),
        (Plan::status(413), GaveUp),
        (Plan::status(500), Retry),
        (Plan::body(503, "<html>"), Retry),
        (Plan::Reset, Retry),
    ] {
        double.plan([plan.clone()]);
        let sent = line.wake(&address).await;
        assert_eq!((sent.outcome, sent.for_all), (outcome, false), "{plan:?}");
        assert_eq!(line.outcome(&address).await, Accepted);
    }
    line.doubles.check(&[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_for_one_origin() {
    for (plan, seconds) in [(Plan::retry_after(429, "11"), 11), (Plan::status(429), 60)] {
        let line = Line::start().await;
        let address = line.doubles.webpush.subscribe().address();
        line.doubles.webpush.double().plan([plan]);
        let sent = line.wake(&address).await;
        assert_eq!((sent.outcome, sent.after), (Retry, Some(Duration::from_secs(seconds))));
        let (now, until) = (line.clock.now(), line.clock.now().plus_secs(i64::try_from(seconds).unwrap()));
        assert_eq!(line.providers.admit(&address, now), Admission::Wait { until, why: Hold::Rate });
        let mut other = line.doubles.webpush.subscribe();
        other.endpoint = "https://push.example.com/x".to_owned();
        assert_eq!(line.providers.admit(&other.address(), now), Admission::Go);
        assert_eq!(line.providers.origin(&other.address()), "https://push.example.com");
        assert_eq!(line.providers.status(now)[2].open_origins, 1);
    }
}

/// Subscriptions for another server's key are refused, too: so they stop an origin only when it has taken none.
#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_refuses_ten_subscriptions_and_takes_none_is_stopped() {
    let line = Line::start().await;
    let double = line.doubles.webpush.double();
    double.plan((0..10).map(|_| Plan::status(403)));
    for n in 0..10 {
        let sent = line.wake(&line.doubles.webpush.subscribe().address()).await;
        assert_eq!((sent.outcome, sent.for_all), (Config, n == 9));
    }
    let address = line.doubles.webpush.subscribe().address();
    let until = line.clock.now().plus_secs(600);
    let wait = Admission::Wait { until, why: Hold::Stopped };
    assert_eq!(line.providers.admit(&address, line.clock.now()), wait);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_dead_subscriptions_in_a_row_blow_the_fuse_of_their_origin() {
    let line = Line::start().await;
    line.doubles.webpush.double().plan((0..12).map(|_| Plan::status(410)));
    let address = line.doubles.webpush.subscribe().address();
    for n in 0..12 {
        let sent = line.wake(&address).await;
        assert_eq!((sent.outcome, sent.is_fused), (Dead, n >= 9), "{n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_answer_or_drips_is_tried_later() {
    let line = Line::start_impatient().await;
    let (address, double) = (line.doubles.webpush.subscribe().address(), line.doubles.webpush.double());
    double.plan([Plan::Drip(201)]);
    assert_eq!(line.outcome(&address).await, Accepted);
    double.plan([Plan::Drip(410)]);
    assert_eq!(line.outcome(&address).await, Retry);
    double.plan([Plan::Hang]);
    let sent = line.wake(&address).await;
    assert_eq!((sent.outcome, sent.reason.as_deref()), (Retry, Some("no answer in time")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_registered_and_is_not_allowed_any_more_is_not_asked() {
    let mut line = Line::start().await;
    let address = line.doubles.webpush.subscribe().address();
    let other = Line::start_with(|config| config.push.webpush.allow.clear()).await;
    line.providers = other.providers;
    let sent = line.wake(&address).await;
    assert_eq!((sent.outcome, sent.for_all, sent.status), (Config, false, None));
    assert!(line.doubles.webpush.double().captured().is_empty());
}
