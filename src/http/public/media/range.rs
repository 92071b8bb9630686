//! Which part of a file a client wants.

use std::ops::Range;

use http::HeaderMap;
use http::header::{IF_RANGE, RANGE};
use http_range_header::parse_range_header;

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// A part.
    Part(Range<u64>),
    /// A part that is not there.
    Outside,
}

/// Returns what of a file of `size` bytes is to be sent. One range is understood; several, and what is malformed, mean
/// the whole file (RFC 9110 §14.2), and so does a condition that does not hold.
pub(super) fn wanted(headers: &HeaderMap, etag: &str, size: u64) -> Wanted {
    let mut values = headers.get_all(RANGE).iter();
    let (Some(range), None) = (values.next(), values.next()) else { return Wanted::Whole };
    if headers.get(IF_RANGE).is_some_and(|value| value.as_bytes() != etag.as_bytes()) {
        return Wanted::Whole;
    }
    let Some(ranges) = range.to_str().ok().and_then(|range| parse_range_header(range).ok()) else {
        return Wanted::Whole;
    };
    if ranges.len() != 1 {
        return Wanted::Whole;
    }
    match ranges.validate(size).ok().and_then(|ranges| ranges.into_iter().next()) {
        Some(range) => Wanted::Part(*range.start()..range.end().saturating_add(1)),
        None => Wanted::Outside,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use proptest::prelude::*;

    use super::*;

    const ETAG: &str = "\"abc\"";

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn one_range_is_a_part_and_all_else_is_the_whole() {
        let of = |range: &str| wanted(&headers(&[(RANGE, range)]), ETAG, 100);
        assert_eq!(of("bytes=0-0"), Wanted::Part(0..1));
        assert_eq!(of("bytes=10-19"), Wanted::Part(10..20));
        assert_eq!(of("bytes=90-"), Wanted::Part(90..100));
        assert_eq!(of("bytes=-5"), Wanted::Part(95..100));
        assert_eq!(of("bytes=-500"), Wanted::Part(0..100));
        assert_eq!(of("bytes=50-5000"), Wanted::Part(50..100));
        for outside in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=18446744073709551615-"] {
            assert_eq!(of(outside), Wanted::Outside, "{outside}");
        }
        for whole in ["bytes=0-1,4-5", "bytes=5-1", "bytes=", "bytes=a-b", "items=0-1", "0-1", "bytes=--1"] {
            assert_eq!(of(whole), Wanted::Whole, "{whole}");
        }
        assert_eq!(wanted(&headers(&[(RANGE, "bytes=0-1"), (RANGE, "bytes=2-3")]), ETAG, 100), Wanted::Whole);
        assert_eq!(wanted(&HeaderMap::new(), ETAG, 100), Wanted::Whole);
    }

    #[test]
    fn conditions_name_the_file() {
        let with = |condition| wanted(&headers(&[(RANGE, "bytes=0-1"), (IF_RANGE, condition)]), ETAG, 100);
        assert_eq!(with(ETAG), Wanted::Part(0..2));
        // A date is another condition, and a weak tag names no bytes.
        for other in ["\"abd\"", "W/\"abc\"", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert_eq!(with(other), Wanted::Whole, "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_part_is_never_beyond_the_file(first: u64, last: u64, size in 1_u64.., text in "[ -~]{0,30}") {
            for range in [format!("bytes={first}-{last}"), format!("bytes=-{last}"), text] {
                if let Wanted::Part(part) = wanted(&headers(&[(RANGE, &range)]), ETAG, size) {
                    prop_assert!(part.start < part.end && part.end <= size);
                }
            }
        }
    }
}
