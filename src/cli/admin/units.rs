//! Numbers for people: bytes, spans of time, and rates.

use serde_json::Value;

/// Units of bytes, each 1024 of the one before.
const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

/// Returns a number of bytes in the largest unit of which there is one; `?` for what is not known.
pub(super) fn bytes(value: &Value) -> String {
    let Some(bytes) = value.as_f64() else { return "?".to_owned() };
    let (mut number, mut unit) = (bytes, 0);
    while number >= 1024.0 && unit + 1 < UNITS.len() {
        (number, unit) = (number / 1024.0, unit + 1);
    }
    if unit == 0 { format!("{number} {}", UNITS[0]) } else { format!("{number:.1} {}", UNITS[unit]) }
}

/// Returns a number of seconds in its two largest units.
pub(super) fn span(value: &Value) -> String {
    let seconds = value.as_u64().unwrap_or_default();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Returns a number with one decimal; `-` for what is not known.
pub(super) fn decimal(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |number| format!("{number:.1}"))
}

/// Returns a number of milliseconds; `-` for what is not known.
pub(super) fn millis(value: &Value) -> String {
    match value.as_f64() {
        None => "-".to_owned(),
        Some(millis) if millis >= 1000.0 => format!("{:.1} s", millis / 1000.0),
        Some(millis) if millis.fract() == 0.0 => format!("{millis} ms"),
        Some(millis) => format!("{millis:.1} ms"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_short() {
        let shown = [0, 1023, 1024, 5_000_000, 1 << 50].map(|number: u64| bytes(&json!(number)));
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "4.8 MiB", "1024.0 TiB"]);
        let shown = [0, 59, 61, 3660, 90_000].map(|number: u64| span(&json!(number)));
        assert_eq!(shown, ["0 s", "59 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
        let shown = [json!(0), json!(1.28), json!(7200.0), Value::Null].map(|number| millis(&number));
        assert_eq!(shown, ["0 ms", "1.3 ms", "7.2 s", "-"]);
        assert_eq!(
            (decimal(&json!(212)), decimal(&Value::Null), bytes(&Value::Null)),
            ("212.0".into(), "-".into(), "?".into())
        );
    }
}
