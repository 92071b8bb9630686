//! Looks for bytes in the files of a running server.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the bytes of a message may outlive it.
const PROMISED: Duration = Duration::from_mins(1);

/// A text that is found again wherever it is written. Of one test's own.
#[derive(Clone, Debug)]
pub(crate) struct Marker(String);

impl Marker {
    pub(crate) fn new() -> Self {
        Self(format!("mark{:016x}", rand::random::<u64>()))
    }

    /// The marker itself, of small letters and digits; its length is a multiple of four, so it is base64 as well.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// A text of about this length which has the marker and `name` (letters, digits, `-`) in every piece of it.
    pub(crate) fn text(&self, name: &str, bytes: usize) -> String {
        let once = format!("{}({name})", self.0);
        once.repeat(bytes.div_ceil(once.len()))
    }

    /// Which names are found, and in which files below `dir`; those cut off by the end of a page have no name.
    fn found(&self, dir: &Path) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            // What is not a directory may go while it is looked at, as a journal does.
            let Ok(bytes) = std::fs::read(&path) else { continue };
            let text = String::from_utf8_lossy(&bytes);
            for (at, _) in text.match_indices(&self.0) {
                let rest = &text[at + self.0.len()..];
                let name = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map(|(name, _)| name);
                let whole = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
                let name = name.filter(whole).unwrap_or_default().to_owned();
                found.entry(name).or_default().insert(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
        found
    }

    /// The names that are found below `dir`.
    pub(crate) fn names(&self, dir: &Path) -> BTreeSet<String> {
        self.found(dir).into_keys().filter(|name| !name.is_empty()).collect()
    }

    /// Waits until the marker is found nowhere. Fails the test after the promised time.
    pub(crate) async fn gone(&self, dir: &Path) {
        let begin = Instant::now();
        loop {
            let left = self.found(dir);
            if left.is_empty() {
                return;
            }
            assert!(
                begin.elapsed() < PROMISED,
                "after {PROMISED:?} there are traces of {} texts: {left:?}",
                left.len()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
