//! What came of a request to a provider.

use std::time::Duration;

use super::address::names;

names! {
    /// What came of a request to a provider.
    PushOutcome {
        /// The provider has taken the wake-up.
        Accepted = 1, "accepted";
        /// The provider says that the device's address is no longer good.
        Dead = 2, "dead";
        /// The provider refuses what may be a fault of this server's configuration.
        Config = 3, "config";
        /// It may go well later.
        Retry = 4, "retry";
        /// The request itself is wrong, and would be refused again.
        GaveUp = 5, "gave_up";
    }
}

/// What came of one request to a provider. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The outcome.
    pub outcome: PushOutcome,
    /// The status of the answer; none when there was none.
    pub status: Option<u16>,
    /// The provider's word for it, or the server's; at most 200 bytes.
    pub reason: Option<String>,
    /// The provider's name for the wake-up, for asking it; at most 200 bytes.
    pub provider_id: Option<String>,
    /// The time before which a retry is not welcome; `None`: as the server likes.
    pub after: Option<Duration>,
    /// Whether an address that is said to be dead is kept, since the provider says so of too many.
    pub is_fused: bool,
    /// Whether a refusal for the configuration concerns all devices of the provider or origin, which the sender holds
    /// back from now on; otherwise this device alone.
    pub for_all: bool,
    /// How long it took.
    pub took: Duration,
}

impl Sent {
    /// Returns a plain outcome, without an answer's details.
    #[must_use]
    pub fn new(outcome: PushOutcome, took: Duration) -> Self {
        Self {
            outcome,
            status: None,
            reason: None,
            provider_id: None,
            after: None,
            is_fused: false,
            for_all: false,
            took,
        }
    }
}
