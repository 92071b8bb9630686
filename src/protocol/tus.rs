//! The headers of the tus protocol for resumable uploads, version 1.0.0 (<https://tus.io/protocols/resumable-upload>),
//! and of digests (RFC 9530).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The version that is spoken.
pub const TUS_VERSION: &str = "1.0.0";
/// The extensions that are spoken.
pub const TUS_EXTENSIONS: &str = "creation,creation-with-upload,expiration,checksum,termination";
/// The type of a part of an upload.
pub const PART_TYPE: &str = "application/offset+octet-stream";
/// Longest `Upload-Metadata`, in bytes.
pub const MAX_METADATA_BYTES: usize = 1024;

/// The header does not follow its grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the header does not follow its grammar")]
pub struct Malformed;

/// Reads a size or an offset: digits alone.
#[must_use]
pub fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Reads `Upload-Checksum`: the name of an algorithm, and what it gives.
pub fn checksum(text: &str) -> Result<(&str, Vec<u8>), Malformed> {
    let (algorithm, value) = text.split_once(' ').ok_or(Malformed)?;
    let value = STANDARD.decode(value.trim()).map_err(|_| Malformed)?;
    if algorithm.is_empty() || value.is_empty() { Err(Malformed) } else { Ok((algorithm, value)) }
}

/// Reads `Upload-Metadata`: pairs of a key and a value in base64, which may be left out. Returns the value of `sha256`,
/// 64 lower-case hexadecimal digits; other keys are for the client alone.
pub fn sha256_in_metadata(text: &str) -> Result<Option<[u8; 32]>, Malformed> {
    let (mut keys, mut sha256) = (Vec::new(), None);
    for pair in text.split(',') {
        let (key, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        let is_key = !key.is_empty() && key.bytes().all(|b| b.is_ascii_graphic());
        if !is_key || keys.contains(&key) {
            return Err(Malformed);
        }
        keys.push(key);
        let value = STANDARD.decode(value.trim()).map_err(|_| Malformed)?;
        if key == "sha256" {
            let text = std::str::from_utf8(&value).map_err(|_| Malformed)?;
            sha256 = Some(sha256_hex(text).ok_or(Malformed)?);
        }
    }
    Ok(sha256)
}

/// Reads a SHA-256 in 64 lower-case hexadecimal digits.
#[must_use]
pub fn sha256_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    bytes?.try_into().ok()
}

/// Reads `Repr-Digest`, a dictionary of byte sequences (RFC 8941 §3.2). Returns the one of `sha-256`; other algorithms
/// are ignored (RFC 9530 §2).
pub fn repr_digest(text: &str) -> Result<Option<[u8; 32]>, Malformed> {
    let mut found = None;
    for member in text.split(',') {
        let (key, value) = member.trim().split_once('=').ok_or(Malformed)?;
        let value = value.split(';').next().unwrap_or_default().trim();
        let value = value.strip_prefix(':').and_then(|value| value.strip_suffix(':')).ok_or(Malformed)?;
        let value = STANDARD.decode(value).map_err(|_| Malformed)?;
        if key == "sha-256" {
            found = Some(value.try_into().map_err(|_| Malformed)?);
        }
    }
    Ok(found)
}

/// Writes `Repr-Digest`.
#[must_use]
pub fn written_repr_digest(sha256: &[u8; 32]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(sha256))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hex(bytes: [u8; 32]) -> String {
        bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(sha256: [u8; 32], other in "[a-z]{1,5}", value: Vec<u8>) {
            prop_assert_eq!(sha256_hex(&hex(sha256)), Some(sha256));
            prop_assert_eq!(repr_digest(&written_repr_digest(&sha256)), Ok(Some(sha256)));
            let metadata = format!("{other}x {},sha256 {}", STANDARD.encode(&value), STANDARD.encode(hex(sha256)));
            prop_assert_eq!(sha256_in_metadata(&metadata), Ok(Some(sha256)));
            let text = format!("sha1 {}", STANDARD.encode(sha256));
            let (algorithm, read) = checksum(&text).unwrap();
            prop_assert_eq!((algorithm, read.as_slice()), ("sha1", sha256.as_slice()));
        }

        #[test]
        fn no_header_is_too_much(text in ".{0,40}") {
            let _ = (number(&text), checksum(&text), sha256_in_metadata(&text), repr_digest(&text));
        }
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for wrong in ["", "+1", "-1", "1.0", " 1", "0x1", "18446744073709551616"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
        assert_eq!(number("18446744073709551615"), Some(u64::MAX));
        for wrong in ["", "sha1", "sha1 ", "sha1 %%%", " AAAA"] {
            assert_eq!(checksum(wrong), Err(Malformed), "{wrong}");
        }
        let upper = STANDARD.encode(hex([0xab; 32]).to_uppercase());
        for wrong in ["", ",", "a,a", "name %%%", "sha256", "sha256 AAAA", "a b c", &format!("sha256 {upper}")] {
            assert_eq!(sha256_in_metadata(wrong), Err(Malformed), "{wrong}");
        }
        assert_eq!(sha256_in_metadata("is_private,name AAAA"), Ok(None));
        for wrong in ["", "sha-256", "sha-256=AAAA", "sha-256=:AAAA:", "sha-256=:%:"] {
            assert_eq!(repr_digest(wrong), Err(Malformed), "{wrong}");
        }
        assert_eq!(repr_digest("sha-512=:AAAA:"), Ok(None));
        assert_eq!(repr_digest(&format!("md5=:AAAA:, {};q=1", written_repr_digest(&[7; 32]))), Ok(Some([7; 32])));
    }
}
