//! Name folding: the forms in which names are compared and searched.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, Script};
use icu_properties::script::ScriptWithExtensions;
use icu_properties::{CodePointMapData, CodePointSetData};
use idna::uts46::{AsciiDenyList, Hyphens, Uts46};

use super::account::is_too_long;

/// The form in which names are compared: Unicode's compatibility caseless match
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

/// The key of a name or an address: without white space at its ends, the domain of what looks like an address in its
/// Unicode form, folded. Empty for a text that is too long to be either.
///
/// `a@xn--mnchen-3ya.example` and `A@München.example ` have the same one.
#[must_use]
pub fn name_key(text: &str) -> String {
    if is_too_long(text) {
        return String::new();
    }
    let folded = fold_name(&unicode_domain(text.trim()));
    // White space may have stood beside what folding drops.
    let trimmed = folded.trim();
    if trimmed.len() == folded.len() { folded } else { trimmed.to_owned() }
}

/// Returns the form in which a text is searched in names. An empty one finds no user.
#[must_use]
pub fn search_key(text: &str) -> String {
    searched(&name_key(text))
}

/// Returns the searched form of a stored key. A key may be from before domains were unified.
#[must_use]
pub fn searched(key: &str) -> String {
    match unicode_domain(key) {
        Cow::Borrowed(key) => fold_marks(key),
        Cow::Owned(unified) => fold_marks(&fold_name(&unified)),
    }
}

/// Removes the marks that stand on letters, so that `andre` finds `André`: what the root order of Unicode's collation
/// (UTS #10) ignores at first. Vowel signs of scripts that write them as marks stay.
fn fold_marks(key: &str) -> String {
    if key.is_ascii() {
        return key.to_owned();
    }
    let (category, script) = (CodePointMapData::<GeneralCategory>::new(), ScriptWithExtensions::new());
    let is_laid_on =
        |c| category.get(c) == GeneralCategory::NonspacingMark && script.get_script_val(c) == Script::Inherited;
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(key);
    let mut bare = String::with_capacity(key.len());
    for c in decomposed.chars().filter(|c| !is_laid_on(*c)) {
        match without_stroke(c) {
            Some(letters) => bare.push_str(letters),
            None => bare.push(c),
        }
    }
    ComposingNormalizerBorrowed::new_nfc().normalize(&bare).into_owned()
}

/// Replaces letters with a stroke or of two halves, which Unicode does not decompose into a letter and a mark.
fn without_stroke(c: char) -> Option<&'static str> {
    Some(match c {
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ı' => "i",
        'ł' => "l",
        'ŧ' => "t",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return None,
    })
}

/// Returns the text with what follows its last `@` in the Unicode form of a domain name (UTS #46), if it is one.
pub(super) fn unicode_domain(text: &str) -> Cow<'_, str> {
    let Some((local, domain)) = text.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty())
    else {
        return Cow::Borrowed(text);
    };
    match Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow) {
        (unicode, Ok(())) if unicode != domain => Cow::Owned(format!("{local}@{unicode}")),
        _ => Cow::Borrowed(text),
    }
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

    #[test]
    fn a_domain_has_one_spelling() {
        let same = [
            "a@münchen.example",
            "A@MÜNCHEN.example",
            "a@xn--mnchen-3ya.example",
            "a@XN--MNCHEN-3YA.EXAMPLE",
            " a@münchen.example\u{2003}",
        ];
        for text in same {
            assert_eq!(name_key(text), "a@münchen.example", "{text}");
        }
        // It is no domain name, so it stays as it is.
        for text in ["a@xn--\u{e4}", "@xn--mnchen-3ya", "xn--mnchen-3ya.example@", "a@b c_%"] {
            assert_eq!(name_key(text), fold_name(text), "{text}");
        }
        assert_eq!(name_key(&"a".repeat(255)), "");
    }

    #[test]
    fn marks_do_not_hinder_a_search() {
        for (name, found) in [
            ("André", "andre"),
            ("Søren Łukasz", "soren lukasz"),
            ("Nguyễn Thị", "nguyen thi"),
            ("İstanbul Işık", "istanbul isik"),
            ("Άννα", "αννα"),
            // Their vowel signs are letters to those who write them.
            ("हिन्दी", "हिन्दी"),
            ("ไทยที่", "ไทยที่"),
            ("한국어", "한국어"),
        ] {
            assert_eq!(search_key(name), found, "{name}");
        }
        for nothing in ["\u{200d}", "\u{301}", " \u{2060} "] {
            assert_eq!(search_key(nothing), "", "{nothing:?}");
        }
    }

    proptest! {
        #[test]
        fn folding_is_stable(text in "\\PC{0,24}") {
            let once = fold_name(&text);
            prop_assert_eq!(fold_name(&once), once);
            let bare = search_key(&text);
            prop_assert_eq!(searched(&bare), bare);
        }
    }
}
