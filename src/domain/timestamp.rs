//! Points in time as they are stored and as they travel.

use std::fmt;

use serde::{Serialize, Serializer};

/// Microseconds since 1970-01-01T00:00:00Z.
///
/// Its text is RFC 3339 in UTC with six decimals and `Z`. The Android client pages by this text and parses it with
/// `java.time.Instant.parse`, which on older versions takes no other offset than `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// The text is not an RFC 3339 date-time with an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a date-time such as 2026-11-22T15:00:00.000000Z")]
pub struct TimestampError;

impl Timestamp {
    /// From microseconds since the epoch, clamped to the years -9999 … 9999.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        let (min, max) = (jiff::Timestamp::MIN.as_microsecond(), jiff::Timestamp::MAX.as_microsecond());
        Self(micros.clamp(min, max))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment plus `seconds` (negative: before it).
    #[must_use]
    pub fn plus_secs(self, seconds: i64) -> Self {
        Self::from_micros(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Reads an exclusive upper bound: the first microsecond `t` for which `x < t` says the same as `x < text`.
    ///
    /// Takes any offset and up to nine decimals.
    pub fn parse_bound(text: &str) -> Result<Self, TimestampError> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| TimestampError)?;
        let nanos = moment.as_nanosecond();
        let micros = nanos.div_euclid(1000) + i128::from(nanos.rem_euclid(1000) != 0);
        i64::try_from(micros).map(Self::from_micros).map_err(|_| TimestampError)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In range by construction: `from_micros` clamps.
        let moment = jiff::Timestamp::from_microsecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{moment:.6}")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_has_six_decimals_and_z() {
        assert_eq!(Timestamp::from_micros(1_763_823_600_000_000).to_string(), "2025-11-22T15:00:00.000000Z");
        assert_eq!(Timestamp::from_micros(7).to_string(), "1970-01-01T00:00:00.000007Z");
    }

    #[test]
    fn bounds_take_offsets_and_round_up() {
        let t = Timestamp::from_micros(1_000_000);
        assert_eq!(Timestamp::parse_bound("1970-01-01T01:00:01+01:00"), Ok(t));
        assert_eq!(Timestamp::parse_bound("1970-01-01T00:00:00.999999001Z"), Ok(t));
        for bad in ["", "yesterday", "2026-11-22", "2026-11-22T15:00:00", "2026-13-01T00:00:00Z"] {
            assert_eq!(Timestamp::parse_bound(bad), Err(TimestampError), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn text_round_trips_and_sorts(a in 0..4_102_444_800_000_000_i64, b in 0..4_102_444_800_000_000_i64) {
            let (x, y) = (Timestamp::from_micros(a), Timestamp::from_micros(b));
            prop_assert_eq!(Timestamp::parse_bound(&x.to_string()), Ok(x));
            prop_assert_eq!(x.cmp(&y), x.to_string().cmp(&y.to_string()));
        }
    }
}
