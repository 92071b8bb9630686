//! The time of day and random tokens: from one place, so that tests can steer the time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

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
        error_us: Arc<AtomicI64>,
        correction_us: Arc<AtomicI64>,
    },
    Stopped(Arc<AtomicI64>),
}

impl Default for Source {
    fn default() -> Self {
        Self::System { error_us: Arc::default(), correction_us: Arc::default() }
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
        let clock = Self::system();
        clock.advance_secs(seconds);
        clock
    }

    /// A clock that only moves by [`advance_secs`](Self::advance_secs), and counts for more than a database's. Clones
    /// move together.
    #[must_use]
    pub fn stopped_at(start: Timestamp) -> Self {
        Self(Source::Stopped(Arc::new(AtomicI64::new(start.as_micros()))))
    }

    /// Returns the time of a stopped clock; `None` for a machine's.
    #[must_use]
    pub fn stopped(&self) -> Option<Timestamp> {
        matches!(self.0, Source::Stopped(_)).then(|| self.now())
    }

    /// Sets a clock ahead; negative values set it back. A machine's clock is wrong by so much more then.
    pub fn advance_secs(&self, seconds: i64) {
        let (Source::Stopped(micros) | Source::System { error_us: micros, .. }) = &self.0;
        micros.fetch_add(seconds.saturating_mul(1_000_000), Ordering::Relaxed);
    }

    /// Corrects the machine's clock, for all clones: at some moment since `asked` the clock that counts was `right`.
    /// Does nothing to a stopped clock.
    ///
    /// The correction is the smallest that fits, since an answer may have been waited for: it is never wrong by more
    /// than that wait, and a clock that is right stays as it is.
    pub fn correct(&self, asked: Instant, right: Timestamp) {
        let Source::System { correction_us, .. } = &self.0 else { return };
        let right = right.as_micros();
        // How long it took is not told by the clock itself, which may have been set meanwhile.
        let after = self.machine_micros();
        let before = after.saturating_sub(i64::try_from(asked.elapsed().as_micros()).unwrap_or(i64::MAX));
        // Computed from the machine's own time: two corrections at once agree.
        let fitting = |known: i64| Some(known.clamp(right.saturating_sub(after), right.saturating_sub(before)));
        // The closure always returns a value.
        let _ = correction_us.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fitting);
    }

    /// Returns the present time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(match &self.0 {
            Source::System { correction_us, .. } => {
                self.machine_micros().saturating_add(correction_us.load(Ordering::Relaxed))
            }
            Source::Stopped(micros) => micros.load(Ordering::Relaxed),
        })
    }

    /// Returns the time since some moment in the past, which neither setting nor correcting the machine's clock
    /// changes. A stopped clock moves it, too.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match &self.0 {
            Source::System { .. } => START.elapsed(),
            Source::Stopped(micros) => {
                Duration::from_micros(micros.load(Ordering::Relaxed).try_into().unwrap_or_default())
            }
        }
    }

    /// Returns the time as it is without correction.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn machine_micros(&self) -> i64 {
        match &self.0 {
            Source::System { error_us, .. } => {
                jiff::Timestamp::now().as_microsecond().saturating_add(error_us.load(Ordering::Relaxed))
            }
            Source::Stopped(micros) => micros.load(Ordering::Relaxed),
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
        wrong.correct(Instant::now(), right.now());
        assert!(off().abs() < 60_000_000, "{}", off());
        // It is set by another hour while an answer is waited for.
        let asked = Instant::now();
        wrong.advance_secs(-3600);
        wrong.correct(asked, right.now());
        assert!(off().abs() < 60_000_000, "{}", off());
        let stopped = Clock::stopped_at(Timestamp::from_micros(5));
        stopped.correct(Instant::now(), right.now());
        assert_eq!(stopped.now(), Timestamp::from_micros(5));
    }

    #[test]
    fn an_answer_that_was_waited_for_moves_a_clock_that_is_right_by_no_more_than_needed() {
        let (right, clock) = (Clock::system(), Clock::system());
        let asked = Instant::now().checked_sub(std::time::Duration::from_mins(10)).unwrap();
        clock.correct(asked, right.now());
        let off = clock.now().as_micros() - right.now().as_micros();
        assert!(off.abs() < 60_000_000, "{off}");
        clock.advance_secs(3600);
        let both = || (Instant::now(), right.now());
        let (one, other) = (both(), both());
        clock.correct(one.0, one.1);
        clock.correct(other.0, other.1);
        let off = clock.now().as_micros() - right.now().as_micros();
        assert!(off.abs() < 60_000_000, "{off}");
    }

    #[test]
    fn tokens_differ_and_are_url_safe() {
        let (a, b) = (random_token().unwrap(), random_token().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.len(), 43);
        assert!(a.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'));
    }
}
