//! The JSON of frames, which is that of `serde_json` but for the speed of long texts.
//!
//! `serde_json` looks at each byte of a text whether it must be escaped. Most of a frame is ciphertext in Base64, in
//! which nothing is: so the whole text is asked at once, and written in one piece.

use std::io;

use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

/// Adds `value` to `json`. Only what is written by this may have a [`long_text`].
pub(super) fn write(json: &mut Vec<u8>, value: &impl Serialize) -> serde_json::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(json, LongTexts))
}

/// Serializes a text that may be long, for [`write`] alone: other serializers make an array of its bytes.
pub(super) fn long_text<S: Serializer>(text: &&str, serializer: S) -> Result<S::Ok, S::Error> {
    if needs_escape(text) { serializer.serialize_str(text) } else { serializer.serialize_bytes(text.as_bytes()) }
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
struct LongTexts;

impl Formatter for LongTexts {
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
    struct Long<'a> {
        number: i32,
        #[serde(serialize_with = "long_text")]
        text: &'a str,
        short: &'a str,
    }

    #[derive(Serialize)]
    struct Plain<'a> {
        number: i32,
        text: &'a str,
        short: &'a str,
    }

    fn is_as_serde_json_writes(text: &str) {
        let mut json = b"before ".to_vec();
        write(&mut json, &Long { number: 7, text, short: text }).unwrap();
        let plain = serde_json::to_string(&Plain { number: 7, text, short: text }).unwrap();
        assert_eq!(String::from_utf8(json).unwrap(), format!("before {plain}"));
    }

    #[test]
    fn each_character_is_written_as_serde_json_does_wherever_it_stands() {
        for character in (0..0x800).filter_map(char::from_u32).chain(['\u{2028}', '\u{ffff}', '😀']) {
            for text in [format!("{character}"), format!("{}{character}", "A".repeat(40)), format!("{character}bcd")] {
                is_as_serde_json_writes(&text);
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_written_as_serde_json_does(text in any::<String>(), base64 in "[A-Za-z0-9+/=]{0,500}") {
            is_as_serde_json_writes(&text);
            is_as_serde_json_writes(&base64);
        }
    }
}
