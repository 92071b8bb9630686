//! Metrics of waking devices.

use std::time::Duration;

use metrics::{Counter, counter, gauge, histogram};

use super::messages::at_zero;
use super::names;
use crate::domain::{PushOutcome, PushProvider};

/// Handles of the metrics of waking devices, made once.
pub struct PushMetrics {
    /// Messages that connected devices did not acknowledge in time.
    pub unconfirmed: Counter,
}

impl PushMetrics {
    /// Makes the series, at zero, so that they exist before their first event.
    pub(super) fn new() -> Self {
        let made = Self { unconfirmed: at_zero(counter!(names::PUSH_UNCONFIRMED)) };
        for provider in PushProvider::ALL.iter().copied() {
            made.counted(provider, 0, 0, 0);
            made.held_back(provider, 0);
            let name = provider.as_str();
            counter!(names::PUSH_DELETED, "provider" => name).increment(0);
            let _ = histogram!(names::PUSH_SEND_SECONDS, "provider" => name);
            let _ = histogram!(names::PUSH_WAKE_SECONDS, "provider" => name);
            for outcome in PushOutcome::ALL {
                counter!(names::PUSH_ATTEMPTS, "provider" => name, "outcome" => outcome.as_str()).increment(0);
            }
        }
        made.oldest_owed(0.0);
        made
    }

    /// Counts a request to a provider, and records its duration.
    pub fn sent(&self, provider: PushProvider, outcome: PushOutcome, took: Duration) {
        let (provider, outcome) = (provider.as_str(), outcome.as_str());
        counter!(names::PUSH_ATTEMPTS, "provider" => provider, "outcome" => outcome).increment(1);
        histogram!(names::PUSH_SEND_SECONDS, "provider" => provider).record(took);
    }

    /// Counts a device that its provider no longer knows.
    pub fn deleted(&self, provider: PushProvider) {
        counter!(names::PUSH_DELETED, "provider" => provider.as_str()).increment(1);
    }

    /// Records how long a device has taken to come after a wake-up was accepted.
    pub fn came(&self, provider: PushProvider, after: Duration) {
        histogram!(names::PUSH_WAKE_SECONDS, "provider" => provider.as_str()).record(after);
    }

    /// Notes how many devices of a provider are registered, suspended, and owed a wake-up.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub fn counted(&self, provider: PushProvider, active: i64, suspended: i64, owed: i64) {
        let provider = provider.as_str();
        gauge!(names::PUSH_TARGETS, "provider" => provider, "state" => "active").set(active as f64);
        gauge!(names::PUSH_TARGETS, "provider" => provider, "state" => "suspended").set(suspended as f64);
        gauge!(names::PUSH_OWED, "provider" => provider).set(owed as f64);
    }

    /// Notes for how long the oldest wake-up has been owed, in seconds.
    pub fn oldest_owed(&self, seconds: f64) {
        gauge!(names::PUSH_OLDEST_OWED).set(seconds);
    }

    /// Notes how much of a provider is held back.
    #[expect(clippy::cast_precision_loss, reason = "a few at most")]
    pub fn held_back(&self, provider: PushProvider, count: usize) {
        gauge!(names::PUSH_BREAKER_OPEN, "provider" => provider.as_str()).set(count as f64);
    }
}
