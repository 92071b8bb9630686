//! N-grams of names, by which users are found.

use std::collections::BTreeSet;

/// Characters of the longest piece.
const LONGEST: usize = 3;
/// Bits of a character: Unicode ends at U+10FFFF.
const BITS: usize = 21;
/// Most pieces of a text that a search looks for.
const MOST: usize = 16;

/// One to three neighbouring characters of a folded name. As a number: 21 bits each, the first one uppermost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gram(i64);

impl Gram {
    /// Reads the stored form back.
    #[must_use]
    pub fn from_stored(number: i64) -> Self {
        Self(number)
    }

    /// Returns the stored form.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }

    /// Makes a piece of up to [`LONGEST`] characters, of which none is NUL.
    fn of(chars: &[char]) -> Self {
        let number = chars.iter().fold(0, |number, c| number << BITS | i64::from(u32::from(*c)));
        Self(number << (BITS * (LONGEST - chars.len())))
    }
}

/// Returns all pieces of a folded name.
#[must_use]
pub fn name_grams(key: &str) -> BTreeSet<Gram> {
    let chars: Vec<char> = key.chars().collect();
    (1..=LONGEST).flat_map(|length| chars.windows(length).map(Gram::of)).collect()
}

/// Returns pieces that every name has which contains the folded text: the text itself when it has at most three
/// characters, else up to `MOST` pieces spread over it. Empty for an empty text.
///
/// A name with all these pieces nearly always contains the text, but not necessarily.
#[must_use]
pub fn text_grams(key: &str) -> BTreeSet<Gram> {
    let chars: Vec<char> = key.chars().collect();
    if chars.len() <= LONGEST {
        return if chars.is_empty() { BTreeSet::new() } else { BTreeSet::from([Gram::of(&chars)]) };
    }
    let all: Vec<Gram> = chars.windows(LONGEST).map(Gram::of).collect::<BTreeSet<Gram>>().into_iter().collect();
    let wanted = all.len().min(MOST);
    (0..wanted).filter_map(|i| all.get(i * all.len() / wanted).copied()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pieces_of_different_texts_differ() {
        let texts = ["a", "b", "ab", "ba", "aab", "aba", "abc", "\u{10ffff}", "a\u{10ffff}", "\u{10ffff}a"];
        let grams: BTreeSet<Gram> = texts.iter().flat_map(|text| text_grams(text)).collect();
        assert_eq!(grams.len(), texts.len());
        assert!(grams.iter().all(|gram| gram.get() > 0));
        assert_eq!(text_grams("\u{10ffff}\u{10ffff}\u{10ffff}").first().map(|gram| gram.get() > 0), Some(true));
    }

    #[test]
    fn a_name_has_its_pieces_once() {
        assert_eq!(name_grams("aaaa").len(), 3);
        assert_eq!(name_grams("ab").len(), 3);
        assert_eq!(name_grams("abc").len(), 6);
        assert_eq!(text_grams(&"abcdefghijklmnopqrstuvwxyz".repeat(9)).len(), MOST);
        assert!(text_grams("").is_empty());
    }

    proptest! {
        #[test]
        fn a_name_has_the_pieces_of_its_parts(name in "[a-eä]{1,40}", from in 0..40_usize, length in 0..40_usize) {
            let part: String = name.chars().skip(from).take(length).collect();
            prop_assert!(text_grams(&part).is_subset(&name_grams(&name)));
        }
    }
}
