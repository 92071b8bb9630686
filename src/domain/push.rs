//! Waking devices: where a device is woken, what it is woken by, and what came of a request to a provider.

mod address;
mod outbox;
mod outcome;
mod target;

pub use address::{ApnsEnvironment, ApnsStyle, PushAddress, PushProvider};
pub use outbox::{Attempted, Debt, Outbox, Owed};
pub(crate) use outbox::{DEBT_LASTS_S, GATHER_S, NORMAL_EVERY_S, SUSPENDED_S, UNANSWERED_S};
pub use outcome::{PushOutcome, Sent};
pub use target::{LeaseEnd, LeasedTarget, MAX_TARGETS, NewTarget, PushAttempt, RegisteredTarget, TargetState};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Timestamp;

/// How soon the sender of a message wants its receiver's sleeping devices to be woken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Not at all.
    None,
    /// With the next wake-up, or within some minutes.
    Normal,
    /// At once.
    #[default]
    High,
}

impl Urgency {
    /// Returns the urgency of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::None),
            "normal" => Some(Self::Normal),
            "high" => Some(Self::High),
            _ => None,
        }
    }
}

/// The name of a wake-up: 16 random characters, which mean nothing outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WakeId(Box<str>);

impl WakeId {
    /// Random bytes of a name.
    pub const BYTES: usize = 12;

    /// Returns the name that these random bytes make.
    #[must_use]
    pub fn of(random: [u8; Self::BYTES]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random).into())
    }

    /// Checks the form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        (text.len() == 16 && text.bytes().all(is_plain)).then(|| Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A wake-up, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wake {
    /// Its name, new for each request.
    pub id: WakeId,
    /// Whether the device is to be woken at once.
    pub is_urgent: bool,
}

/// Where a device is woken, and since when.
#[derive(Clone, Debug)]
pub struct PushTarget {
    /// The device's address at its provider.
    pub address: PushAddress,
    /// When it was registered: what a provider says of a time before does not concern it.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_names() {
        assert_eq!(WakeId::of([255; 12]).as_str(), "________________");
        assert!(WakeId::parse("AZaz09_-AZaz09_-").is_some());
        for bad in ["", "short", "AZaz09_-AZaz09_+", "AZaz09_-AZaz09_-x"] {
            assert!(WakeId::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(
            ["none", "normal", "high", "HIGH"].map(Urgency::parse),
            [Some(Urgency::None), Some(Urgency::Normal), Some(Urgency::High), None]
        );
        assert!(Urgency::None < Urgency::Normal && Urgency::Normal < Urgency::High);
    }
}
