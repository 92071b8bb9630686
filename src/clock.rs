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

#[derive(Clone, Debug)]
enum Source {
    /// The machine's clock, which is wrong by `error_us` in tests, and the correction of it.
    System {
        error_us: i64,
        correction_us: Arc<AtomicI64>,
    },
    Stopped(Arc<AtomicI64>),
}

impl Default for Source {
    fn default() -> Self {
        Self::System { error_us: 0, correction_us: Arc::default() }
    }
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// The clock of a machine that is wrong by so many seconds.
    #[must_use]
    pub fn wrong_by_secs(seconds: i64) -> Self {
        Self(Source::System { error_us: seconds.saturating_mul(1_000_000), correction_us: Arc::default() })
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

    /// Corrects the machine's clock, for all clones: between these two readings of it the clock that counts was
    /// `right`. Does nothing to a stopped clock.
    pub fn correct(&self, (before, after): (Timestamp, Timestamp), right: Timestamp) {
        // Within the two readings it is right, as far as can be seen.
        if let Source::System { correction_us, .. } = &self.0
            && !(before..=after).contains(&right)
        {
            let now = before.as_micros() + (after.as_micros() - before.as_micros()) / 2;
            correction_us.fetch_add(right.as_micros() - now, Ordering::Relaxed);
        }
    }

    /// Returns the present time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System { error_us, correction_us } => {
                let machine = jiff::Timestamp::now().as_microsecond().saturating_add(*error_us);
                Timestamp::from_micros(machine.saturating_add(correction_us.load(Ordering::Relaxed)))
            }
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
    fn a_wrong_clock_is_corrected_with_all_its_clones() {
        let (right, wrong) = (Clock::system(), Clock::wrong_by_secs(3600));
        let clone = wrong.clone();
        let off = || clone.now().as_micros() - right.now().as_micros();
        assert!(off() > 3_000_000_000);
        let before = wrong.now();
        let now = right.now();
        wrong.correct((before, wrong.now()), now);
        assert!(off().abs() < 60_000_000, "{}", off());
        let stopped = Clock::stopped_at(Timestamp::from_micros(5));
        stopped.correct((Timestamp::from_micros(5), Timestamp::from_micros(5)), now);
        assert_eq!(stopped.now(), Timestamp::from_micros(5));
    }

    #[test]
    fn tokens_differ_and_are_url_safe() {
        let (a, b) = (random_token().unwrap(), random_token().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.len(), 43);
        assert!(a.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'));
    }
}
