//! Whole files, segment by segment: neither side holds more than one in memory.

use std::io::{self, Read, Write};

use aws_lc_rs::digest::{Context, SHA256};

use super::key::{Damaged, FileKey, PLAIN_SEGMENT, SEGMENT};
use super::message::FileEntry;
use super::padding::{padded, sealed_size};

/// A ciphertext that was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sealed {
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, as 64 hexadecimal digits.
    pub sha256: String,
}

/// The reason why a file could not be encrypted.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The server takes no file of this size.
    #[error("the file is larger than the server takes")]
    TooLarge,
    /// It has another size than at the beginning.
    #[error("the file was changed meanwhile")]
    Changed,
    /// It cannot be read, or its ciphertext cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The reason why a file could not be decrypted.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is not what the message says: another size, digest or key.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// Its ciphertext cannot be read, or it cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Pads a file of `size` bytes, encrypts it and writes the ciphertext, which has at most `limit` bytes.
pub fn seal(
    key: &FileKey,
    mut file: impl Read,
    size: u64,
    limit: u64,
    mut out: impl Write,
) -> Result<Sealed, SealError> {
    let padded = padded(size, limit).ok_or(SealError::TooLarge)?;
    let mut digest = Context::new(&SHA256);
    let mut segment = Vec::with_capacity(SEGMENT);
    let (mut rest, mut unread) = (padded, size);
    for number in 0_u32.. {
        let bytes = rest.min(PLAIN_SEGMENT as u64);
        let wanted = unread.min(bytes);
        segment.clear();
        if (&mut file).take(wanted).read_to_end(&mut segment)? as u64 != wanted {
            return Err(SealError::Changed);
        }
        (rest, unread) = (rest - bytes, unread - wanted);
        // Fits: a segment is 64 KiB.
        segment.resize(usize::try_from(bytes).unwrap_or(PLAIN_SEGMENT), 0);
        key.seal(number, rest == 0, &mut segment).map_err(|_| SealError::TooLarge)?;
        digest.update(&segment);
        out.write_all(&segment)?;
        if rest == 0 {
            break;
        }
    }
    if file.read(&mut [0])? > 0 {
        return Err(SealError::Changed);
    }
    Ok(Sealed { bytes: sealed_size(padded), sha256: hex(digest.finish().as_ref()) })
}

/// Decrypts the ciphertext of `bytes` bytes that an entry of a message names, and writes the file. Nothing that was
/// written may be used when this fails.
pub fn open(entry: &FileEntry, mut sealed: impl Read, bytes: u64, mut out: impl Write) -> Result<(), OpenError> {
    let key = FileKey::parse(&entry.encryption_key).ok_or(Damaged)?;
    let mut digest = Context::new(&SHA256);
    let mut segment = Vec::with_capacity(SEGMENT);
    let (mut rest, mut unwritten) = (bytes, entry.size);
    for number in 0_u32.. {
        let wanted = rest.min(SEGMENT as u64);
        segment.clear();
        if (&mut sealed).take(wanted).read_to_end(&mut segment)? as u64 != wanted {
            return Err(Damaged.into());
        }
        rest -= wanted;
        digest.update(&segment);
        let content = key.open(number, rest == 0, &mut segment)?;
        // Behind the file there is padding.
        let of_file = usize::try_from(unwritten).unwrap_or(usize::MAX).min(content.len());
        out.write_all(content.get(..of_file).unwrap_or_default())?;
        unwritten -= of_file as u64;
        if rest == 0 {
            break;
        }
    }
    if unwritten > 0 || !entry.sha256.eq_ignore_ascii_case(&hex(digest.finish().as_ref())) {
        return Err(Damaged.into());
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |digits, byte| format!("{digits}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 1 << 30;

    fn sealed(content: &[u8]) -> (FileEntry, Vec<u8>) {
        let (key, mut out) = (FileKey::random().unwrap(), Vec::new());
        let Sealed { bytes, sha256 } = seal(&key, content, content.len() as u64, LIMIT, &mut out).unwrap();
        assert_eq!(bytes, out.len() as u64);
        let entry = FileEntry {
            id: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            file_name: "a".to_owned(),
            file_type: "b".to_owned(),
            size: content.len() as u64,
            encryption_key: key.text(),
            sha256,
            thumbnail: None,
        };
        (entry, out)
    }

    fn opened(entry: &FileEntry, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let mut out = Vec::new();
        open(entry, sealed, sealed.len() as u64, &mut out).map(|()| out)
    }

    #[test]
    fn a_file_of_any_size_comes_back() {
        for size in [0, 1, 4095, 4096, 4097, 65_519, 65_520, 65_521, 200_000, 1_000_000] {
            let content: Vec<u8> = (0..size).map(|number: u32| number.to_le_bytes()[0]).collect();
            let (entry, sealed) = sealed(&content);
            assert!(opened(&entry, &sealed).unwrap() == content, "{size}");
        }
    }

    #[test]
    fn what_was_changed_is_refused() {
        let (entry, sealed) = sealed(&vec![7; 150_000]);
        let damaged = |entry: &FileEntry, sealed: &[u8]| matches!(opened(entry, sealed), Err(OpenError::Damaged(_)));
        for at in [0, 65_535, 65_536, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(damaged(&entry, &changed), "byte {at}");
        }
        // Without its end, without a segment in the middle, and in another order.
        assert!(damaged(&entry, &sealed[..131_072]) && damaged(&entry, &[]));
        assert!(damaged(&entry, &[&sealed[..65_536], &sealed[131_072..]].concat()));
        assert!(damaged(&entry, &[&sealed[65_536..131_072], &sealed[..65_536], &sealed[131_072..]].concat()));
        // What the message says does not fit.
        assert!(damaged(&FileEntry { size: 1_000_000, ..entry.clone() }, &sealed));
        assert!(damaged(&FileEntry { sha256: "00".repeat(32), ..entry.clone() }, &sealed));
        assert!(damaged(&FileEntry { encryption_key: "?".to_owned(), ..entry }, &sealed));
    }

    #[test]
    fn a_file_that_changes_meanwhile_is_not_sent() {
        let key = FileKey::random().unwrap();
        for size in [9, 11] {
            let sealed = seal(&key, [0; 10].as_slice(), size, LIMIT, io::sink());
            assert!(matches!(sealed, Err(SealError::Changed)), "{size}");
        }
        assert!(matches!(seal(&key, [0; 10].as_slice(), 10, 25, io::sink()), Err(SealError::TooLarge)));
    }
}
