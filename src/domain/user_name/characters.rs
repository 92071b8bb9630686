//! Characters that may be in names, and where.

use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_properties::props::{
    BidiControl, DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, VariationSelector,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Marks on one letter, at most (UTS #39 §5.4).
const MOST_MARKS: usize = 4;
/// Characters that show nothing or stand for something absent, although their category does not say so: Braille's
/// blank, a musical note without a head, Khitan's filler, and the replacements of objects and of characters.
const BLANK: [char; 5] = ['\u{2800}', '\u{1d159}', '\u{16fe4}', '\u{fffc}', '\u{fffd}'];

/// Returns the reason why the text cannot be a name, as it stands.
pub(super) fn check(text: &str) -> Result<(), &'static str> {
    let (category, bidi) = (CodePointMapData::<GeneralCategory>::new(), CodePointSetData::new::<BidiControl>());
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let selector = CodePointSetData::new::<VariationSelector>();
    for c in text.chars() {
        let kind = category.get(c);
        if kind == GeneralCategory::Control {
            return Err("must not contain control characters");
        }
        // Joiners are part of the spelling of some languages and of emoji, variants of both.
        let joins = matches!(c, '\u{200c}' | '\u{200d}') || selector.contains(c);
        let hides = bidi.contains(c)
            || BLANK.contains(&c)
            || matches!(kind, GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator)
            || (!joins && (kind == GeneralCategory::Format || ignorable.contains(c)));
        if hides {
            return Err("must not contain characters that are not shown or that change how others are shown");
        }
        // Noncharacters are unassigned for ever.
        if matches!(kind, GeneralCategory::Unassigned | GeneralCategory::PrivateUse) {
            return Err("must not contain characters without a meaning of their own");
        }
    }
    let shown = text.trim_matches(|c| ignorable.contains(c));
    if shown.trim() == shown { check_marks(text) } else { Err("must not begin or end with white space") }
}

/// Returns the reason why the text cannot be a name, by its key.
pub(super) fn check_folded(key: &str) -> Result<(), &'static str> {
    let category = CodePointMapData::<GeneralCategory>::new();
    let counts = GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Number);
    if key.chars().any(|c| counts.contains(category.get(c))) { Ok(()) } else { Err("must contain a letter or a digit") }
}

/// Checks that marks follow a letter, at most [`MOST_MARKS`] on one and none of them twice.
fn check_marks(text: &str) -> Result<(), &'static str> {
    let category = CodePointMapData::<GeneralCategory>::new();
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let mut marks: Vec<char> = Vec::new();
    let mut carries = false;
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(text);
    for c in decomposed.chars().filter(|c| !ignorable.contains(*c)) {
        let kind = category.get(c);
        if !GeneralCategoryGroup::Mark.contains(kind) {
            marks.clear();
            carries = !c.is_whitespace();
            continue;
        }
        if !carries {
            return Err("must not begin a word with a combining mark");
        }
        if kind != GeneralCategory::SpacingMark {
            if marks.len() == MOST_MARKS || marks.last() == Some(&c) {
                return Err("must not pile combining marks on one letter");
            }
            marks.push(c);
        }
    }
    Ok(())
}
