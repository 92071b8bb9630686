//! Spans of time as people write them.

/// Reads a span such as `90s`, `15m`, `2h`, `7d` or `4w`, and returns its seconds.
pub(super) fn seconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no span of time such as 90s, 15m, 2h, 7d or 4w");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        'w' => 7 * 24 * 3600,
        _ => return Err(wrong()),
    };
    let number = text.strip_suffix(unit).unwrap_or_default();
    let count: i64 = if number.starts_with('+') { None } else { number.parse().ok() }.ok_or_else(wrong)?;
    count.checked_mul(factor).filter(|seconds| *seconds > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn spans_have_a_number_and_a_unit() {
        for (text, expected) in [("90s", 90), ("15m", 900), ("2h", 7200), ("7d", 604_800), ("4w", 2_419_200)] {
            assert_eq!(seconds(text), Ok(expected));
        }
        for text in ["", "7", "d", "-1d", "+1d", "1.5h", "7 d", "0s", "7y", "99999999999999w", "7ü"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
