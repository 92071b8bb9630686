//! What an answer of APNs means (Apple: "Handling notification responses from APNs").

use std::time::Duration;

use serde::Deserialize;

use crate::domain::{PushOutcome, Timestamp};
use crate::push::http::Reply;
use crate::push::verdict::{Effect, Verdict, code};

/// The wait of a device to which too much was sent, when Apple does not say how long.
const DEVICE_PAUSE: Duration = Duration::from_mins(1);
/// The wait when the token of the provider has changed too often: as often as it may.
const TOKEN_PAUSE: Duration = Duration::from_mins(20);

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    reason: String,
    /// Milliseconds since 1970: the last time at which the token was good, so far as Apple knows.
    #[serde(default)]
    timestamp: Option<i64>,
}

/// What is to be done about an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// It stands.
    Final(Verdict),
    /// The token has expired by Apple's clock.
    Expired(Verdict),
    /// The token of the provider changes too often.
    ChangesTooOften(Verdict),
    /// The token of the device may be one of the other environment.
    OtherEnvironment(Verdict),
    /// The service goes away; another connection may serve.
    GoesAway(Verdict),
}

/// Judges an answer about a target that was registered at `created_at`.
pub(super) fn judge(reply: &Reply, id: Option<&str>, created_at: Timestamp) -> Judged {
    let status = reply.status;
    if status == 200 {
        return Judged::Final(Verdict::of(status, PushOutcome::Accepted, Effect::Works).named(id));
    }
    if !reply.is_whole {
        return Judged::Final(Verdict::failed(status, reply.retry_after).because("the answer was cut off"));
    }
    let body: Option<Body> = serde_json::from_slice(&reply.body).ok();
    let reason = body.as_ref().and_then(|body| code(&body.reason));
    let word = reason.map_or_else(|| format!("HTTP {status}"), str::to_owned);
    let of = |outcome, effect| Verdict::of(status, outcome, effect).because(&word).named(id);
    let failed = || Verdict::failed(status, reply.retry_after).because(&word);
    Judged::Final(match (status, reason) {
        (410, Some("Unregistered" | "ExpiredToken")) => {
            let timestamp = body.as_ref().and_then(|body| body.timestamp);
            let is_older = timestamp.is_some_and(|ms| ms.saturating_mul(1000) < created_at.as_micros());
            // What was so before the device was registered (again) is no reason to forget it.
            of(if is_older { PushOutcome::GaveUp } else { PushOutcome::Dead }, Effect::Works)
        }
        (400, Some("BadDeviceToken")) => return Judged::OtherEnvironment(of(PushOutcome::Dead, Effect::Works)),
        (403, Some("ExpiredProviderToken")) => return Judged::Expired(of(PushOutcome::Config, Effect::Stop)),
        (403, Some("BadEnvironmentKeyInToken")) => of(PushOutcome::Config, Effect::Refuses),
        (403, Some(_)) => of(PushOutcome::Config, Effect::Stop),
        (400, Some("DeviceTokenNotForTopic" | "TopicDisallowed" | "BadTopic")) => {
            of(PushOutcome::Config, Effect::Refuses)
        }
        (429, Some("TooManyProviderTokenUpdates")) => {
            let verdict = Verdict::pause(status, reply.retry_after.unwrap_or(TOKEN_PAUSE)).because(&word);
            return Judged::ChangesTooOften(verdict);
        }
        // Concerns this device alone.
        (429, _) => {
            Verdict { after: Some(reply.retry_after.unwrap_or(DEVICE_PAUSE)), ..of(PushOutcome::Retry, Effect::Works) }
        }
        (503, Some("Shutdown")) => return Judged::GoesAway(failed()),
        (400 | 404 | 405 | 413, Some(_)) => of(PushOutcome::GaveUp, Effect::Works),
        _ => failed(),
    })
}

#[cfg(test)]
mod tests {
    use Effect::{Fails, Pause, Refuses, Stop, Works};
    use PushOutcome::{Accepted, Config, Dead, GaveUp, Retry};

    use super::*;

    fn judged(status: u16, body: &str) -> Judged {
        let created_at = Timestamp::from_micros(1_800_000_000_000_000);
        judge(&Reply { status, retry_after: None, body: body.into(), is_whole: true }, Some("ID-1"), created_at)
    }

    fn plain(judged: Judged) -> Verdict {
        match judged {
            Judged::Final(verdict)
            | Judged::Expired(verdict)
            | Judged::ChangesTooOften(verdict)
            | Judged::OtherEnvironment(verdict)
            | Judged::GoesAway(verdict) => verdict,
        }
    }

    #[test]
    fn outcomes_of_apns() {
        for (status, reason, expected) in [
            (200, "", (Accepted, Works)),
            (410, "Unregistered", (Dead, Works)),
            (410, "ExpiredToken", (Dead, Works)),
            (400, "BadDeviceToken", (Dead, Works)),
            (403, "InvalidProviderToken", (Config, Stop)),
            (403, "ExpiredProviderToken", (Config, Stop)),
            (403, "MissingProviderToken", (Config, Stop)),
            (403, "BadEnvironmentKeyInToken", (Config, Refuses)),
            (400, "DeviceTokenNotForTopic", (Config, Refuses)),
            (400, "TopicDisallowed", (Config, Refuses)),
            (400, "BadTopic", (Config, Refuses)),
            (429, "TooManyRequests", (Retry, Works)),
            (429, "TooManyProviderTokenUpdates", (Retry, Pause(TOKEN_PAUSE))),
            (500, "InternalServerError", (Retry, Fails)),
            (503, "ServiceUnavailable", (Retry, Fails)),
            (503, "Shutdown", (Retry, Fails)),
            (400, "BadCollapseId", (GaveUp, Works)),
            (400, "PayloadEmpty", (GaveUp, Works)),
            (404, "BadPath", (GaveUp, Works)),
            (405, "MethodNotAllowed", (GaveUp, Works)),
            (413, "PayloadTooLarge", (GaveUp, Works)),
            (418, "Teapot", (Retry, Fails)),
            (410, "Teapot", (Retry, Fails)),
        ] {
            let verdict = plain(judged(status, &format!(r#"{{"reason":"{reason}"}}"#)));
            assert_eq!((verdict.outcome, verdict.effect), expected, "{status} {reason}");
            assert_eq!(verdict.status, Some(status));
        }
        for status in [302, 400, 403, 404, 410, 500] {
            let verdict = plain(judged(status, "<html>"));
            assert_eq!((verdict.outcome, verdict.effect), (Retry, Fails), "{status}: an answer that is not Apple's");
        }
        assert_eq!(plain(judged(429, r#"{"reason":"TooManyRequests"}"#)).after, Some(DEVICE_PAUSE));
        assert_eq!(plain(judged(200, "")).provider_id.as_deref(), Some("ID-1"));
    }

    #[test]
    fn a_token_that_was_bad_before_the_device_was_registered_is_kept() {
        let outcome = |timestamp: &str| {
            let body = format!(r#"{{"reason":"Unregistered","timestamp":{timestamp}}}"#);
            plain(judged(410, &body)).outcome
        };
        assert_eq!((outcome("1799999999999"), outcome("1800000000000"), outcome("null")), (GaveUp, Dead, Dead));
    }

    #[test]
    fn some_answers_are_tried_once_more() {
        let kind = |status, reason: &str| judged(status, &format!(r#"{{"reason":"{reason}"}}"#));
        assert!(matches!(kind(400, "BadDeviceToken"), Judged::OtherEnvironment(_)));
        assert!(matches!(kind(403, "ExpiredProviderToken"), Judged::Expired(_)));
        assert!(matches!(kind(503, "Shutdown"), Judged::GoesAway(_)));
        assert!(matches!(kind(429, "TooManyProviderTokenUpdates"), Judged::ChangesTooOften(_)));
    }
}
