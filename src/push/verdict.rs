//! What an answer of a provider means: for the device, and for whether the provider is asked again.

use std::time::Duration;

use crate::domain::PushOutcome;

/// Longest reason that is kept, in bytes.
const MAX_REASON: usize = 200;
/// Longest code of a provider that is kept, in bytes.
const MAX_CODE: usize = 64;

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What becomes of the wake-up and its target.
    pub(super) outcome: PushOutcome,
    /// The status of the answer; none without one.
    pub(super) status: Option<u16>,
    /// The provider's code, or why there was no answer.
    pub(super) reason: Option<String>,
    /// The provider's name of the message.
    pub(super) provider_id: Option<String>,
    /// The target is not tried before this time.
    pub(super) after: Option<Duration>,
    /// What it says of the provider.
    pub(super) effect: Effect,
}

/// What an answer says of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It works.
    Works,
    /// It fails, which counts for the breaker.
    Fails,
    /// It wants to be left alone for this time.
    Pause(Duration),
    /// It refuses us: nothing is sent until an operator has mended the settings.
    Stop,
    /// It refuses this target for what may be our fault, or that of whoever registered it.
    Refuses,
    /// Nothing: it was not asked.
    Unasked,
}

impl Verdict {
    /// Returns a verdict on an answer with this status.
    pub(super) fn of(status: u16, outcome: PushOutcome, effect: Effect) -> Self {
        Self { outcome, status: Some(status), reason: None, provider_id: None, after: None, effect }
    }

    /// Returns the verdict when there was no answer.
    pub(super) fn unanswered(reason: &str) -> Self {
        let outcome = PushOutcome::Retry;
        Self { outcome, status: None, reason: None, provider_id: None, after: None, effect: Effect::Fails }
            .because(reason)
    }

    /// Returns the verdict on a target to which nothing is sent.
    pub(super) fn unasked(outcome: PushOutcome, reason: &str) -> Self {
        Self { outcome, effect: Effect::Unasked, ..Self::unanswered(reason) }
    }

    /// Returns the verdict of a provider that is asked for too much.
    pub(super) fn pause(status: u16, wait: Duration) -> Self {
        Self { after: Some(wait), ..Self::of(status, PushOutcome::Retry, Effect::Pause(wait)) }
    }

    /// Returns the verdict on a failure of the provider, which may say when it will work again.
    pub(super) fn failed(status: u16, retry_after: Option<Duration>) -> Self {
        Self { after: retry_after, ..Self::of(status, PushOutcome::Retry, Effect::Fails) }
    }

    /// Adds the reason, cut to 200 bytes.
    pub(super) fn because(mut self, reason: &str) -> Self {
        let mut end = reason.len().min(MAX_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        self.reason = reason.get(..end).filter(|reason| !reason.is_empty()).map(str::to_owned);
        self
    }

    /// Adds the provider's name of the message.
    pub(super) fn named(mut self, id: Option<&str>) -> Self {
        self.provider_id = id.filter(|id| is_code(id, MAX_REASON)).map(str::to_owned);
        self
    }
}

/// Returns the text if it is a code rather than a sentence: a sentence may repeat the token.
pub(super) fn code(text: &str) -> Option<&str> {
    is_code(text, MAX_CODE).then_some(text)
}

fn is_code(text: &str, most: usize) -> bool {
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.' | b':' | b'%');
    !text.is_empty() && text.len() <= most && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_are_kept_of_what_a_provider_says() {
        assert_eq!(code("UNREGISTERED"), Some("UNREGISTERED"));
        assert_eq!(code("BadDeviceToken"), Some("BadDeviceToken"));
        for other in ["", "The token abc is wrong", "a\nb", &"x".repeat(65)] {
            assert_eq!(code(other), None, "{other}");
        }
        let long = Verdict::unanswered(&"é".repeat(150)).reason.unwrap();
        assert_eq!(long.len(), 200);
    }
}
