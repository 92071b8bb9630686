//! The JSON of frames, which is that of `serde_json` but for the speed of texts.
//!
//! `serde_json` looks at each byte of a text whether it must be escaped. Most of a frame is ciphertext in Base64, in
//! which nothing is; the time, client id, tag and token of a message hold nothing to be escaped either. So each of
//! these texts is checked as a whole and written in one piece. Keys of objects and other texts stay with `serde_json`.

use std::io;

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

use crate::domain::Timestamp;

/// Adds `value` to `json`. Only what is written by this may have a [`Text`] or a [`timestamp`].
pub(super) fn write(json: &mut Vec<u8>, value: &impl Serialize) -> serde_json::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(json, WholeTexts))
}

/// A text, for [`write`] alone: other serializers make an array of its bytes.
pub(super) struct Text<T>(pub(super) T);

impl<T: AsRef<str>> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.as_ref();
        if needs_escape(text) { serializer.serialize_str(text) } else { serializer.serialize_bytes(text.as_bytes()) }
    }
}

/// Serializes a time as a [`Text`].
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(super) fn timestamp<S: Serializer>(timestamp: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    Text(timestamp.text().map_err(S::Error::custom)?).serialize(serializer)
}

/// Returns whether a text has a character that must be escaped in JSON. It always looks at all of it, so that the
/// compiler can take many bytes at once: ten times as fast as to stop at the first.
fn needs_escape(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | is_escaped(byte))
}

/// Returns whether a character is escaped in JSON (RFC 8259 §7).
const fn is_escaped(byte: u8) -> bool {
    matches!(byte, ..b' ' | b'"' | b'\\')
}

/// Writes what is without spaces, and bytes as the text that they are.
struct WholeTexts;

impl Formatter for WholeTexts {
    fn write_byte_array<W: io::Write + ?Sized>(&mut self, writer: &mut W, text: &[u8]) -> io::Result<()> {
        writer.write_all(b"\"")?;
        writer.write_all(text)?;
        writer.write_all(b"\"")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Serialize)]
    struct Whole<'a> {
        number: i32,
        text: Text<&'a str>,
        optional: Option<Text<String>>,
        missing: Option<Text<String>>,
        #[serde(serialize_with = "timestamp")]
        timestamp: Timestamp,
        other: &'a str,
    }

    #[derive(Serialize)]
    struct Plain<'a> {
        number: i32,
        text: &'a str,
        optional: Option<String>,
        missing: Option<String>,
        timestamp: Timestamp,
        other: &'a str,
    }

    fn is_as_serde_json_writes(text: &str, micros: i64) {
        let mut json = b"before ".to_vec();
        let (optional, timestamp) = (text.to_owned(), Timestamp::from_micros(micros));
        let whole = Whole {
            number: 7,
            text: Text(text),
            optional: Some(Text(optional.clone())),
            missing: None,
            timestamp,
            other: text,
        };
        write(&mut json, &whole).unwrap();
        let plain = Plain { number: 7, text, optional: Some(optional), missing: None, timestamp, other: text };
        let plain = serde_json::to_string(&plain).unwrap();
        assert_eq!(String::from_utf8(json).unwrap(), format!("before {plain}"));
    }

    #[test]
    fn each_character_is_written_as_serde_json_does_wherever_it_stands() {
        for character in (0..0x800).filter_map(char::from_u32).chain(['\u{2028}', '\u{ffff}', '😀']) {
            for text in [format!("{character}"), format!("{}{character}", "A".repeat(40)), format!("{character}bcd")] {
                is_as_serde_json_writes(&text, 0);
            }
        }
    }

    /// Microseconds of the years 1 to 9999.
    fn years() -> std::ops::Range<i64> {
        -62_135_596_800_000_000..253_402_200_000_000_000
    }

    proptest! {
        #[test]
        fn any_text_is_written_as_serde_json_does(
            text in any::<String>(),
            base64 in "[A-Za-z0-9+/=]{0,500}",
            micros in prop_oneof![any::<i64>(), years()],
        ) {
            is_as_serde_json_writes(&text, micros);
            is_as_serde_json_writes(&base64, micros);
        }
    }
}
