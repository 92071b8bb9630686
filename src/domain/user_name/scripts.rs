//! The rule that a word of a name is of one script.

use icu_properties::props::Script;
use icu_properties::script::ScriptWithExtensions;
use unicode_security::mixed_script::AugmentedScriptSet;

/// Returns the reason why the folded text cannot be a name: a word in it is of several scripts that are not written
/// together.
///
/// Scripts may stand together as in UTS #39's level *highly restrictive*: Latin with Han and Japanese, Korean or
/// Bopomofo. The rule holds for each word, since a Cyrillic name stands before a Latin domain; the profile for
/// identifiers is not used, since it has no emoji.
pub(super) fn check(key: &str) -> Result<(), &'static str> {
    let words = key.split(|c: char| c.is_whitespace() || c.is_ascii_punctuation());
    if words.into_iter().all(is_plain) { Ok(()) } else { Err("must not mix scripts within a word") }
}

fn is_plain(word: &str) -> bool {
    let scripts = ScriptWithExtensions::new();
    let (mut all, mut beside_latin) = (AugmentedScriptSet::default(), AugmentedScriptSet::default());
    for c in word.chars() {
        let of_one = AugmentedScriptSet::for_char(c);
        all.intersect_with(of_one);
        if !scripts.has_script(c, Script::Latin) {
            beside_latin.intersect_with(of_one);
        }
    }
    !all.is_empty() || beside_latin.hanb || beside_latin.jpan || beside_latin.kore
}
