//! The files that `[push]` names. What they hold is never part of an error.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::PushError;

/// The most bytes of a file that are read; keys have some thousand.
const MAX_BYTES: u64 = 1024 * 1024;

/// A file with the setting that names it.
#[derive(Clone, Debug)]
pub(super) struct NamedFile {
    key: &'static str,
    path: PathBuf,
}

impl NamedFile {
    /// Returns the file that this setting names.
    pub(super) fn new(key: &'static str, path: impl Into<PathBuf>) -> Self {
        Self { key, path: path.into() }
    }

    /// Returns where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it.
    pub(super) fn read(&self) -> Result<Zeroizing<Vec<u8>>, PushError> {
        let mut text = Zeroizing::new(Vec::new());
        let reading = File::open(&self.path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut text));
        reading.map_err(|source| self.unreadable(source))?;
        Ok(text)
    }

    /// Returns the error that it cannot be read or made.
    pub(super) fn unreadable(&self, source: std::io::Error) -> PushError {
        PushError::Unreadable { key: self.key, path: self.path.clone(), source }
    }

    /// Returns the error that it does not hold what it must.
    pub(super) fn wrong(&self, reason: impl Into<String>) -> PushError {
        PushError::File { key: self.key, path: self.path.clone(), reason: reason.into() }
    }
}
