//! Points in time as they are stored and as they travel.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::fmt::temporal::{DateTimePrinter, Pieces};
use serde::ser::Error as _;
use serde::{Serialize, Serializer};

/// Characters of a time stamp of the years 0 to 9999.
const CHARS: usize = 27;

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
    /// Makes a time stamp from microseconds since the epoch, clamped to the years -9999 … 9999.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        // `jiff::Timestamp::from_microsecond` refuses the fractions of the last second.
        let (min, max) = (jiff::Timestamp::MIN.as_microsecond(), jiff::Timestamp::MAX.as_second() * 1_000_000);
        Self(micros.clamp(min, max))
    }

    /// Returns the microseconds since the epoch.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns the whole seconds since the epoch, rounded down.
    #[must_use]
    pub fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Returns this moment plus `seconds` (negative: before it).
    #[must_use]
    pub fn plus_secs(self, seconds: i64) -> Self {
        Self::from_micros(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Returns the moment that comes `time` later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self::from_micros(self.0.saturating_add(i64::try_from(time.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Reads an exclusive upper bound: the first microsecond `t` for which `x < t` says the same as `x < text`. A text
    /// with fewer than six decimals was cut, so it means the end of its unit: nothing within that is left out.
    ///
    /// Takes any offset, up to nine decimals, every time of the years -9999 … 9999, and for the `+` of an offset the
    /// space that it becomes in a query where it was not encoded.
    pub fn parse_bound(text: &str) -> Result<Self, TimestampError> {
        let text = with_sign(text);
        let pieces = Pieces::parse(text.as_bytes()).map_err(|_| TimestampError)?;
        let time = pieces.time().ok_or(TimestampError)?;
        let offset = pieces.to_numeric_offset().ok_or(TimestampError)?;
        // Not by `jiff::Timestamp`, which ends a day before the calendar does, so that any offset fits.
        let local = pieces.date().to_datetime(time).duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
        let nanos = local.as_nanos() - i128::from(offset.seconds()) * 1_000_000_000;
        let micros = nanos.div_euclid(1000) + i128::from(nanos.rem_euclid(1000) != 0);
        let unit = unit_micros(&text).ok_or(TimestampError)?;
        let bound = if unit > 1 { micros + i128::from(unit) } else { micros };
        i64::try_from(bound).map(Self::from_micros).map_err(|_| TimestampError)
    }
}

/// The text with the sign of its offset.
fn with_sign(text: &str) -> Cow<'_, str> {
    let is_offset = |end: &str| !end.is_empty() && end.bytes().all(|b| b.is_ascii_digit() || b == b':');
    match text.rsplit_once(' ') {
        // Not the space between a date and a time.
        Some((start, end)) if start.contains(':') && is_offset(end) => Cow::Owned(format!("{start}+{end}")),
        _ => Cow::Borrowed(text),
    }
}

/// Microseconds of the smallest unit that a valid text names: from hours to microseconds.
fn unit_micros(text: &str) -> Option<i64> {
    let (_, time) = text.split_once(['T', 't', ' '])?;
    let time = time.split(['Z', 'z', '+', '-', '\u{2212}']).next()?;
    let (clock, fraction) = time.split_once(['.', ',']).map_or((time, None), |(clock, rest)| (clock, Some(rest)));
    if let Some(fraction) = fraction {
        let decimals = fraction.bytes().take_while(u8::is_ascii_digit).count();
        return u32::try_from(6_usize.saturating_sub(decimals)).ok().map(|missing| 10_i64.pow(missing));
    }
    Some(match clock.bytes().filter(u8::is_ascii_digit).count() {
        0..=2 => 3_600_000_000,
        3..=4 => 60_000_000,
        _ => 1_000_000,
    })
}

impl Timestamp {
    /// Returns its text, as `to_string` does, but without the machinery of `fmt`: each message has some.
    pub(crate) fn text(self) -> Result<String, fmt::Error> {
        const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));
        // It is in range by construction: `from_micros` clamps.
        let moment = jiff::Timestamp::from_microsecond(self.0).map_err(|_| fmt::Error)?;
        let mut text = String::with_capacity(CHARS);
        PRINTER.print_timestamp(&moment, &mut text).map_err(|_| fmt::Error)?;
        Ok(text)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text()?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text().map_err(S::Error::custom)?)
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
        assert_eq!(Timestamp::parse_bound("1970-01-01T01:00:01.000000+01:00"), Ok(t));
        assert_eq!(Timestamp::parse_bound("1970-01-01T01:00:01.000000 01:00"), Ok(t), "what becomes of a +");
        assert_eq!(Timestamp::parse_bound("1969-12-31 23:00:01.000000-01:00"), Ok(t));
        assert_eq!(Timestamp::parse_bound("1970-01-01T00:00:00.999999001Z"), Ok(t));
        for bad in ["", "yesterday", "2026-11-22", "2026-11-22T15:00:00", "2026-13-01T00:00:00Z"] {
            assert_eq!(Timestamp::parse_bound(bad), Err(TimestampError), "{bad}");
        }
    }

    #[test]
    fn what_is_cut_means_the_end_of_its_unit() {
        for (text, bound) in [
            ("1970-01-01T00:00:01.2345678Z", 1_234_568),
            ("1970-01-01T00:00:01.234567Z", 1_234_567),
            ("1970-01-01T00:00:01.23456Z", 1_234_570),
            ("1970-01-01T00:00:01.234Z", 1_235_000),
            ("1970-01-01T00:00:01.2 00:00", 1_300_000),
            ("1970-01-01T00:00:01Z", 2_000_000),
            ("1970-01-01T00:00Z", 60_000_000),
            ("1970-01-01T01:00-00:30", 5_460_000_000),
        ] {
            assert_eq!(Timestamp::parse_bound(text), Ok(Timestamp::from_micros(bound)), "{text}");
        }
    }

    #[test]
    fn every_time_that_has_a_text_is_read() {
        let newest = Timestamp::from_micros(i64::MAX);
        for text in [
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.999999999Z",
            "9999-12-31T23:59:59.999999-23:59",
            "9999-12-31T23:59:59.999999 00:00",
        ] {
            assert_eq!(Timestamp::parse_bound(text), Ok(newest), "{text}");
        }
        assert_eq!(Timestamp::parse_bound("-009999-01-01T00:00:00.000000Z"), Ok(Timestamp::from_micros(i64::MIN)));
    }

    #[test]
    fn the_first_and_the_last_time_have_a_text() {
        // The last of jiff, in whole seconds: any offset still gives a date of the calendar.
        assert_eq!(Timestamp::from_micros(i64::MAX).to_string(), "9999-12-30T22:00:00.000000Z");
        assert_eq!(Timestamp::from_micros(i64::MIN).to_string(), "-009999-01-02T01:59:59.000000Z");
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
