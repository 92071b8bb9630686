//! What an answer of FCM means (<https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode>).

use std::time::Duration;

use serde::Deserialize;

use crate::domain::PushOutcome;
use crate::push::http::Reply;
use crate::push::verdict::{Effect, Verdict, code};

/// The wait when FCM asks for less without saying how long, as its documentation says.
const PAUSE: Duration = Duration::from_mins(1);
/// The field that holds the token.
const TOKEN_FIELD: &str = "message.token";

#[derive(Deserialize)]
struct Accepted {
    name: String,
}

#[derive(Deserialize)]
struct Body {
    error: Problem,
}

/// An error (<https://cloud.google.com/apis/design/errors>).
#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    status: String,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    #[serde(default)]
    error_code: String,
    #[serde(default)]
    field_violations: Vec<Violation>,
}

#[derive(Deserialize)]
struct Violation {
    #[serde(default)]
    field: String,
}

impl Problem {
    /// Returns FCM's own code, or else the general one.
    fn code(&self) -> &str {
        let own = self.details.iter().map(|detail| detail.error_code.as_str()).find(|code| !code.is_empty());
        own.unwrap_or(&self.status)
    }

    /// Returns whether the token is what is wrong.
    fn is_about_the_token(&self) -> bool {
        self.details.iter().flat_map(|detail| &detail.field_violations).any(|violation| violation.field == TOKEN_FIELD)
    }
}

/// Judges an answer.
pub(super) fn judge(reply: &Reply) -> Verdict {
    let status = reply.status;
    if status == 200 {
        let name: Option<Accepted> = serde_json::from_slice(&reply.body).ok();
        let id = name.as_ref().and_then(|accepted| accepted.name.rsplit('/').next());
        return Verdict::of(status, PushOutcome::Accepted, Effect::Works).named(id);
    }
    if !reply.is_whole {
        return Verdict::failed(status, reply.retry_after).because("the answer was cut off");
    }
    let problem = serde_json::from_slice::<Body>(&reply.body).ok().map(|body| body.error);
    let reason = problem.as_ref().and_then(|problem| code(problem.code()));
    let verdict = match (status, reason) {
        (404, Some("UNREGISTERED")) => Verdict::of(status, PushOutcome::Dead, Effect::Works),
        // Concerns the token: it is of another project, or of a device that FCM reaches by another service.
        (_, Some("SENDER_ID_MISMATCH" | "THIRD_PARTY_AUTH_ERROR")) => {
            Verdict::of(status, PushOutcome::Config, Effect::Refuses)
        }
        (401 | 404, _) | (403, Some(_)) => Verdict::of(status, PushOutcome::Config, Effect::Stop),
        (400, Some(_)) if problem.as_ref().is_some_and(Problem::is_about_the_token) => {
            Verdict::of(status, PushOutcome::Dead, Effect::Works)
        }
        (400, Some(_)) => Verdict::of(status, PushOutcome::GaveUp, Effect::Works),
        (429, _) => Verdict::pause(status, reply.retry_after.unwrap_or(PAUSE)),
        // Also what a proxy in between answers in HTML.
        _ => Verdict::failed(status, reply.retry_after),
    };
    match reason {
        Some(reason) => verdict.because(reason),
        None => verdict.because(&format!("HTTP {status}")),
    }
}

#[cfg(test)]
mod tests {
    use Effect::{Fails, Pause, Refuses, Stop, Works};
    use PushOutcome::{Accepted, Config, Dead, GaveUp, Retry};

    use super::*;

    fn judged(status: u16, body: &str) -> Verdict {
        judge(&Reply { status, retry_after: None, body: body.into(), is_whole: true })
    }

    fn error(status: &str, own: &str, field: &str) -> String {
        let violations =
            format!(r#"{{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{field}]}}"#);
        let own = format!(r#"{{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"{own}"}}"#);
        format!(r#"{{"error":{{"code":1,"message":"secret","status":"{status}","details":[{own},{violations}]}}}}"#)
    }

    #[test]
    fn outcomes_of_fcm() {
        let token = r#"{"field":"message.token","description":"secret"}"#;
        let other = r#"{"field":"message.android","description":"x"}"#;
        for (status, body, expected, reason) in [
            (200, "{}".to_owned(), (Accepted, Works), None),
            (404, error("NOT_FOUND", "UNREGISTERED", ""), (Dead, Works), Some("UNREGISTERED")),
            (404, error("NOT_FOUND", "", ""), (Config, Stop), Some("NOT_FOUND")),
            (404, "<html>".to_owned(), (Config, Stop), Some("HTTP 404")),
            (401, error("UNAUTHENTICATED", "", ""), (Config, Stop), Some("UNAUTHENTICATED")),
            (401, "<html>".to_owned(), (Config, Stop), Some("HTTP 401")),
            (
                401,
                error("UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", ""),
                (Config, Refuses),
                Some("THIRD_PARTY_AUTH_ERROR"),
            ),
            (403, error("PERMISSION_DENIED", "SENDER_ID_MISMATCH", ""), (Config, Refuses), Some("SENDER_ID_MISMATCH")),
            (403, error("PERMISSION_DENIED", "", ""), (Config, Stop), Some("PERMISSION_DENIED")),
            (403, "<html>".to_owned(), (Retry, Fails), Some("HTTP 403")),
            (400, error("INVALID_ARGUMENT", "INVALID_ARGUMENT", token), (Dead, Works), Some("INVALID_ARGUMENT")),
            (400, error("INVALID_ARGUMENT", "INVALID_ARGUMENT", other), (GaveUp, Works), Some("INVALID_ARGUMENT")),
            (400, "<html>".to_owned(), (Retry, Fails), Some("HTTP 400")),
            (429, error("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", ""), (Retry, Pause(PAUSE)), Some("QUOTA_EXCEEDED")),
            (500, error("INTERNAL", "INTERNAL", ""), (Retry, Fails), Some("INTERNAL")),
            (502, "<html>".to_owned(), (Retry, Fails), Some("HTTP 502")),
            (503, error("UNAVAILABLE", "UNAVAILABLE", ""), (Retry, Fails), Some("UNAVAILABLE")),
            (302, String::new(), (Retry, Fails), Some("HTTP 302")),
            (418, String::new(), (Retry, Fails), Some("HTTP 418")),
        ] {
            let verdict = judged(status, &body);
            assert_eq!((verdict.outcome, verdict.effect), expected, "{status} {body}");
            assert_eq!((verdict.status, verdict.reason.as_deref()), (Some(status), reason));
        }
    }

    #[test]
    fn the_message_is_named_by_the_last_part_of_its_name() {
        let verdict = judged(200, r#"{"name":"projects/x/messages/0:1500%31bd1c96f9fd7ecd"}"#);
        assert_eq!(verdict.provider_id.as_deref(), Some("0:1500%31bd1c96f9fd7ecd"));
        assert_eq!(judged(200, "<html>").provider_id, None);
    }

    #[test]
    fn a_wait_that_fcm_asks_for_counts_and_a_body_that_is_cut_off_says_nothing() {
        let wait = Some(Duration::from_secs(7));
        let reply = |status, is_whole| Reply { status, retry_after: wait, body: Vec::new(), is_whole };
        assert_eq!(judge(&reply(429, true)).effect, Pause(Duration::from_secs(7)));
        assert_eq!(judge(&reply(503, true)).after, wait);
        assert_eq!(judge(&reply(200, false)).outcome, Accepted);
        assert_eq!(judge(&reply(404, false)).outcome, Retry);
    }
}
