//! Links of a demo, each of which signs one browser in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;

use crate::clock::{NoRandomness, random_token};

/// What a browser needs to become a user of a demo, under codes that work once. `fluent-backend demo` fills it; in any
/// other server it is empty.
///
/// Held in memory by the hashes of the codes, so that a look-up takes as long for a code that is nearly right.
#[derive(Default)]
pub struct DemoLinks(Mutex<HashMap<Vec<u8>, Bytes>>);

impl DemoLinks {
    /// Keeps a document, and returns the code for it: 256 random bits, as 43 characters that may stand in a URL.
    pub fn add(&self, document: impl Into<Bytes>) -> Result<String, NoRandomness> {
        let code = random_token()?;
        self.documents().insert(hash(&code), document.into());
        Ok(code)
    }

    /// Takes the document out that has this code.
    pub(super) fn take(&self, code: &str) -> Option<Bytes> {
        self.documents().remove(&hash(code))
    }

    fn documents(&self) -> std::sync::MutexGuard<'_, HashMap<Vec<u8>, Bytes>> {
        // Whole after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(code: &str) -> Vec<u8> {
    digest(&SHA256, code.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_works_once() {
        let links = DemoLinks::default();
        let (alice, bob) = (links.add("alice").unwrap(), links.add("bob").unwrap());
        assert_eq!((alice.len(), links.take("x")), (43, None));
        assert_eq!(links.take(&alice), Some(Bytes::from("alice")));
        assert_eq!((links.take(&alice), links.take(&bob)), (None, Some(Bytes::from("bob"))));
    }
}
