//! Tables for people.

use std::fmt::Write as _;

use serde_json::Value;

/// Returns a table of the objects in `rows`, a line each: for each column its heading and the key of its values. An
/// empty list is said in words.
pub(super) fn table(rows: &Value, columns: &[(&str, &str)], empty: &str) -> String {
    let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        return empty.to_owned();
    }
    let heading = columns.iter().map(|(heading, _)| (*heading).to_owned()).collect();
    let line = |row: &Value| columns.iter().map(|(_, key)| cell(&row[*key])).collect();
    let lines: Vec<Vec<String>> = std::iter::once(heading).chain(rows.iter().map(line)).collect();
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns.len()).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for line in &lines {
        let padded = line.iter().zip(&widths).fold(String::new(), |mut padded, (cell, width)| {
            // Writing to a text does not fail.
            let _ = write!(padded, "{cell:<width$}  ");
            padded
        });
        text.push_str(padded.trim_end());
        text.push('\n');
    }
    text
}

/// Returns a value for people: a time without its fractions, `-` for nothing, and no character that is not seen.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => visible(&without_fractions(text)),
        other => other.to_string(),
    }
}

/// Returns a time stamp without its decimals; any other text as it is.
fn without_fractions(text: &str) -> String {
    match text.split_once('.') {
        Some((time, fraction)) if time.contains('T') && fraction.len() == 7 && fraction.ends_with('Z') => {
            format!("{time}Z")
        }
        _ => text.to_owned(),
    }
}

/// Writes characters that are not seen, or change how others are shown, as escapes.
fn visible(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().fold(String::new(), |mut shown, c| {
        if is_hidden(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
        shown
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_aligned_and_what_is_not_seen_is_shown() {
        let rows = json!([
            {"id": 7, "name": "a\u{202e}b", "at": "2026-11-27T18:00:00.123456Z"},
            {"id": 12, "name": null, "at": "", "more": 1},
        ]);
        let expected = "ID  NAME        AT\n7   a\\u{202e}b  2026-11-27T18:00:00Z\n12  -           -\n";
        assert_eq!(table(&rows, &[("ID", "id"), ("NAME", "name"), ("AT", "at")], ""), expected);
        assert_eq!(table(&json!([]), &[], "nothing"), "nothing");
    }
}
