//! When two names are the same name.

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::{CodePointSetData, props::DefaultIgnorableCodePoint};

/// The form in which names are compared and searched: Unicode's compatibility caseless match
/// (The Unicode Standard, 3.13, D146, composed, without default-ignorable code points as in `NFKC_Casefold`).
///
/// `Ａlice`, `ALICE` and `ali\u{200d}ce` all fold to `alice`.
#[must_use]
pub fn fold_name(text: &str) -> String {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let fold = |text: &str| CaseMapper::new().fold_string(text).into_owned();
    let compose = |text: &str| ComposingNormalizerBorrowed::new_nfkc().normalize(text).into_owned();

    let visible: String = text.chars().filter(|&c| !ignorable.contains(c)).collect();
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(&visible).into_owned();
    compose(&fold(&compose(&fold(&decomposed))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unicode_variants_are_one_name() {
        for same in ["alice", "ALICE", "Ａlice", "ali\u{200d}ce", "aLiCe"] {
            assert_eq!(fold_name(same), "alice");
        }
        assert_eq!(fold_name("Straße"), fold_name("STRASSE"));
        assert_eq!(fold_name("é"), fold_name("e\u{301}"));
        assert_ne!(fold_name("alice"), fold_name("a1ice"));
    }

    proptest! {
        #[test]
        fn folding_is_stable(text in "\\PC{0,24}") {
            let once = fold_name(&text);
            prop_assert_eq!(fold_name(&once), once);
        }
    }
}
