//! The time of day and random tokens: from one place, so that tests can steer the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng as _;
use rand::rngs::SysRng;

use crate::domain::Timestamp;

/// A source of the time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Stopped(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that only moves by [`advance_secs`](Self::advance_secs). Clones move together.
    #[must_use]
    pub fn stopped_at(start: Timestamp) -> Self {
        Self(Source::Stopped(Arc::new(AtomicI64::new(start.as_micros()))))
    }

    /// Moves a stopped clock; negative values move it back. Does nothing to the machine's clock.
    pub fn advance_secs(&self, seconds: i64) {
        if let Source::Stopped(micros) = &self.0 {
            micros.fetch_add(seconds.saturating_mul(1_000_000), Ordering::Relaxed);
        }
    }

    /// Returns the present time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp::from_micros(jiff::Timestamp::now().as_microsecond()),
            Source::Stopped(micros) => Timestamp::from_micros(micros.load(Ordering::Relaxed)),
        }
    }
}

/// The operating system has given no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system's random source failed")]
pub struct NoRandomness;

/// Returns `N` bytes of the operating system's random source.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// Returns 256 random bits as 43 URL-safe characters.
pub fn random_token() -> Result<String, NoRandomness> {
    random_bytes::<32>().map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_moves_only_when_told() {
        let clock = Clock::stopped_at(Timestamp::from_micros(5_000_000));
        assert_eq!(clock.now(), clock.now());
        clock.clone().advance_secs(2);
        assert_eq!(clock.now(), Timestamp::from_micros(7_000_000));
    }

    #[test]
    fn tokens_differ_and_are_url_safe() {
        let (a, b) = (random_token().unwrap(), random_token().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.len(), 43);
        assert!(a.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'));
    }
}
