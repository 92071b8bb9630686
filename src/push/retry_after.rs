//! The header `Retry-After` (RFC 9110 §10.2.3).

use std::time::Duration;

use jiff::fmt::rfc2822;

use super::gate::LONGEST_PAUSE;
use crate::domain::Timestamp;

/// Reads seconds or a date. Returns an hour at most; `None` for what is neither.
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.bytes().all(|c| c.is_ascii_digit()) {
        // More digits than fit are a long time, too.
        true if !text.is_empty() => Duration::from_secs(text.parse().unwrap_or(u64::MAX)),
        true => return None,
        false => {
            // The date of HTTP is one of RFC 2822 that names its zone GMT.
            let date = rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()?;
            let wait = date.as_microsecond().saturating_sub(now.as_micros());
            Duration::from_micros(u64::try_from(wait).unwrap_or(0))
        }
    };
    Some(wait.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_an_hour_is_the_most() {
        // Sun, 06 Nov 1994 08:49:37 GMT
        let now = Timestamp::from_micros(784_111_777_000_000);
        for (text, seconds) in [
            ("0", 0),
            ("120", 120),
            (" 7 ", 7),
            ("3601", 3600),
            ("99999999999999999999999", 3600),
            ("Sun, 06 Nov 1994 08:50:37 GMT", 60),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
            ("Mon, 07 Nov 1994 08:49:37 GMT", 3600),
        ] {
            assert_eq!(retry_after(text, now), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "-1", "1.5", "soon", "Sun, 06 Nov", "1994-11-06T08:50:37Z"] {
            assert_eq!(retry_after(text, now), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fail_or_wait_longer(text in "\\PC{0,40}", now in any::<i64>()) {
            let wait = retry_after(&text, Timestamp::from_micros(now));
            prop_assert!(wait.is_none_or(|wait| wait <= LONGEST_PAUSE));
        }
    }
}
