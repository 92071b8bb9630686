//! Metrics of the handshakes of sockets.

use std::time::Duration;

use metrics::{Counter, Histogram, counter, gauge, histogram};

use super::level::Level;
use super::messages::at_zero;
use super::names;

/// How a handshake has ended, as the label `outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeOutcome {
    /// The socket is open.
    Opened,
    /// There was no valid credential.
    Unauthorized,
    /// The client's network is blocked.
    Banned,
    /// The client asks too often.
    Limited,
    /// The server is overloaded, stopping, or cut off from its database.
    Busy,
    /// The request is no handshake, or its parameters are wrong.
    Bad,
}

impl HandshakeOutcome {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 6] = [Self::Opened, Self::Unauthorized, Self::Banned, Self::Limited, Self::Busy, Self::Bad];

    /// Returns the label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Unauthorized => "unauthorized",
            Self::Banned => "banned",
            Self::Limited => "limited",
            Self::Busy => "busy",
            Self::Bad => "bad",
        }
    }
}

/// Metrics of handshakes, made once.
pub struct HandshakeMetrics {
    /// Handshakes that wait for admission.
    pub waiting: Level,
    outcomes: [Counter; HandshakeOutcome::ALL.len()],
    seconds: Histogram,
}

impl HandshakeMetrics {
    /// Makes the series, at zero, so that they exist before their first event.
    pub(super) fn new() -> Self {
        let outcome = |outcome: HandshakeOutcome| at_zero(counter!(names::HANDSHAKES, "outcome" => outcome.as_str()));
        Self {
            waiting: Level::new(gauge!(names::HANDSHAKES_WAITING)),
            outcomes: HandshakeOutcome::ALL.map(outcome),
            seconds: histogram!(names::HANDSHAKE_SECONDS),
        }
    }

    /// Counts a handshake that has ended.
    pub fn ended(&self, outcome: HandshakeOutcome, took: Duration) {
        self.outcomes[outcome as usize].increment(1);
        self.seconds.record(took);
    }
}
