//! Skeletons: which names look alike.

use aws_lc_rs::digest;
use unicode_security::skeleton;

use crate::domain::name_folding::unicode_domain;
use crate::domain::{fold_name, name_key};

/// A name with every character replaced by the one that it looks like (UTS #39 §4), folded: the first half of its
/// SHA-256.
pub type Skeleton = [u8; 16];

/// Returns the skeletons of a name as it is written and of its key, which is folded: one or two, in order.
///
/// Both are needed because what looks alike depends on the case: `I` looks like `l`, `i` does not.
#[must_use]
pub fn skeletons(name: &str) -> Vec<Skeleton> {
    let written = unicode_domain(name.trim());
    let mut both = vec![of(&written), of(&name_key(name))];
    both.sort_unstable();
    both.dedup();
    both
}

fn of(text: &str) -> Skeleton {
    let shape: String = skeleton(text).collect();
    // However much white space is between words, it looks like one space.
    let folded = fold_name(&shape);
    let words: Vec<&str> = folded.split_whitespace().collect();
    let hash = digest::digest(&digest::SHA256, words.join(" ").as_bytes());
    let mut half = Skeleton::default();
    for (byte, of_hash) in half.iter_mut().zip(hash.as_ref()) {
        *byte = *of_hash;
    }
    half
}
