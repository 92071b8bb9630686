//! Codes that give whoever has one something, for a time or once: links of a demo and of the operators' page, and what
//! `doctor` tries at the public address.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};

use crate::clock::{NoRandomness, random_token};

/// Things under codes. Held in memory by the hashes of the codes, so that a look-up takes as long for a code that is
/// nearly right.
pub struct Codes<T> {
    /// How long a code is good; `None` means until the end of the process.
    lifetime: Option<Duration>,
    /// The most codes at once: the oldest one makes room.
    most: usize,
    kept: Mutex<HashMap<Vec<u8>, (Instant, T)>>,
}

impl<T: Clone> Codes<T> {
    /// No codes yet. There are at most `most` at once, each good for `lifetime`.
    #[must_use]
    pub fn new(lifetime: Option<Duration>, most: usize) -> Self {
        Self { lifetime, most, kept: Mutex::default() }
    }

    /// Keeps something, and returns the code for it: 256 random bits, as 43 characters that may stand in a URL.
    pub fn add(&self, thing: T) -> Result<String, NoRandomness> {
        let code = random_token()?;
        let mut kept = self.living();
        if kept.len() >= self.most
            && let Some(oldest) = kept.iter().min_by_key(|(_, (since, _))| *since).map(|(hash, _)| hash.clone())
        {
            kept.remove(&oldest);
        }
        kept.insert(hash(&code), (Instant::now(), thing));
        Ok(code)
    }

    /// Takes out what has this code.
    pub(super) fn take(&self, code: &str) -> Option<T> {
        self.living().remove(&hash(code)).map(|(_, thing)| thing)
    }

    /// Returns what has this code, which stays.
    pub(super) fn get(&self, code: &str) -> Option<T> {
        self.living().get(&hash(code)).map(|(_, thing)| thing.clone())
    }

    /// Returns those whose time is not over.
    fn living(&self) -> std::sync::MutexGuard<'_, HashMap<Vec<u8>, (Instant, T)>> {
        // Whole after any panic.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lifetime) = self.lifetime {
            kept.retain(|_, (since, _)| since.elapsed() < lifetime);
        }
        kept
    }
}

fn hash(code: &str) -> Vec<u8> {
    digest(&SHA256, code.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_taken_once_and_may_be_looked_up_before() {
        let codes = Codes::new(None, 2);
        let (alice, bob) = (codes.add("alice").unwrap(), codes.add("bob").unwrap());
        assert_eq!((alice.len(), codes.take("x"), codes.get("x")), (43, None, None));
        assert_eq!(
            (codes.get(&alice), codes.get(&alice), codes.take(&alice)),
            (Some("alice"), Some("alice"), Some("alice"))
        );
        assert_eq!((codes.take(&alice), codes.take(&bob)), (None, Some("bob")));
    }

    #[test]
    fn codes_end_and_the_oldest_makes_room() {
        let codes = Codes::new(None, 2);
        let all = ["first", "second", "third"].map(|name| codes.add(name).unwrap());
        assert_eq!(all.each_ref().map(|code| codes.get(code)), [None, Some("second"), Some("third")]);
        let over = Codes::new(Some(Duration::ZERO), 2);
        let code = over.add("late").unwrap();
        assert_eq!(over.take(&code), None);
    }
}
