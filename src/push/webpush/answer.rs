//! What an answer of a service of Web Push means (RFC 8030 §5, §7.3, §8.4).

use std::time::Duration;

use serde::Deserialize;

use crate::domain::PushOutcome;
use crate::push::http::Reply;
use crate::push::verdict::{Effect, Verdict, code};

/// The wait when a service asks for less without saying how long.
const PAUSE: Duration = Duration::from_mins(1);

/// What Apple's service says.
#[derive(Deserialize)]
struct Problem {
    reason: String,
}

/// Judges an answer.
pub(super) fn judge(reply: &Reply) -> Verdict {
    let status = reply.status;
    if (200..300).contains(&status) {
        return Verdict::of(status, PushOutcome::Accepted, Effect::Works);
    }
    if !reply.is_whole {
        return Verdict::failed(status, reply.retry_after).because("the answer was cut off");
    }
    let verdict = match status {
        // A redirect is never followed: it could lead anywhere.
        300..=399 | 404 | 410 => Verdict::of(status, PushOutcome::Dead, Effect::Works),
        // Also what a service says to a subscription that was made for another key.
        401 | 403 => Verdict::of(status, PushOutcome::Config, Effect::Refuses),
        429 => Verdict::pause(status, reply.retry_after.unwrap_or(PAUSE)),
        400..=499 => Verdict::of(status, PushOutcome::GaveUp, Effect::Works),
        _ => Verdict::failed(status, reply.retry_after),
    };
    let problem: Option<Problem> = serde_json::from_slice(&reply.body).ok();
    match problem.as_ref().and_then(|problem| code(&problem.reason)) {
        Some(reason) => verdict.because(reason),
        None => verdict.because(&format!("HTTP {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_of_web_push() {
        use Effect::{Fails, Pause, Refuses, Works};
        use PushOutcome::{Accepted, Config, Dead, GaveUp, Retry};
        let judged = |status| {
            let verdict = judge(&Reply { status, retry_after: None, body: b"<html>".to_vec(), is_whole: true });
            (verdict.outcome, verdict.effect)
        };
        for (statuses, expected) in [
            (&[200, 201, 202, 204][..], (Accepted, Works)),
            (&[301, 302, 303, 307, 308, 404, 410], (Dead, Works)),
            (&[401, 403], (Config, Refuses)),
            (&[429], (Retry, Pause(PAUSE))),
            (&[500, 502, 503, 504, 599, 600], (Retry, Fails)),
            (&[400, 405, 406, 413, 418, 422], (GaveUp, Works)),
        ] {
            for status in statuses {
                assert_eq!(judged(*status), expected, "{status}");
            }
        }
    }

    #[test]
    fn an_answer_that_is_cut_off_is_a_failure_unless_it_is_a_success() {
        let cut = |status| judge(&Reply { status, retry_after: None, body: Vec::new(), is_whole: false }).outcome;
        assert_eq!((cut(201), cut(410)), (PushOutcome::Accepted, PushOutcome::Retry));
    }

    #[test]
    fn the_reason_is_the_services_code_or_the_status() {
        let reason = |body: &str| {
            let reply = Reply { status: 403, retry_after: None, body: body.into(), is_whole: true };
            judge(&reply).reason.unwrap()
        };
        assert_eq!(reason(r#"{"reason":"BadJwtToken"}"#), "BadJwtToken");
        assert_eq!(reason(r#"{"reason":"https://push.example/secret"}"#), "HTTP 403");
        assert_eq!(reason("secret"), "HTTP 403");
    }
}
