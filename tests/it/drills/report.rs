//! What a drill has shown, and what the document prints of it.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Columns of a block of the document.
const COLUMNS: usize = 116;
/// Columns of the name of a surface.
const LABEL: usize = 10;

/// Drills of one process write the document one after the other.
static WRITING: Mutex<()> = Mutex::new(());

/// What the surfaces have said in one drill.
pub(super) struct Report {
    drill: &'static str,
    text: String,
}

impl Report {
    pub(super) fn new(drill: &'static str) -> Self {
        Self { drill, text: format!("{:<LABEL$}{drill}\n", "drill") }
    }

    /// Adds what a surface has said, in lines that are wrapped.
    pub(super) fn add(&mut self, surface: &str, said: &str) {
        let mut label = surface;
        for line in said.lines() {
            let mut rest = line.trim_end();
            while !rest.is_empty() {
                let (first, behind) = wrapped(rest);
                self.text.push_str(format!("{label:<LABEL$}{first}").trim_end());
                self.text.push('\n');
                (label, rest) = ("", behind);
            }
        }
    }

    /// Fails unless the document shows the same, but for numbers and times.
    pub(super) fn compare(&self) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/operations/drills.md");
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let document = std::fs::read_to_string(&path).unwrap_or_default();
        let first = format!("```text\n{:<LABEL$}{}\n", "drill", self.drill);
        let at =
            document.find(&first).unwrap_or_else(|| panic!("{} has no block of the drill: {first}", path.display()));
        let begin = at + "```text\n".len();
        let length = document[begin..].find("```").expect("the block ends");
        let printed = &document[begin..begin + length];
        if plain(printed) == plain(&self.text) {
            return;
        }
        if std::env::var_os("UPDATE_DRILLS").is_some() {
            let document = [&document[..begin], &self.text, &document[begin + length..]].concat();
            std::fs::write(&path, document).unwrap();
            return;
        }
        panic!(
            "docs/operations/drills.md shows\n{printed}\nbut this run has shown (UPDATE_DRILLS=1 writes it)\n{}",
            self.text
        );
    }
}

/// The part of a line that fits, and what is behind it.
fn wrapped(line: &str) -> (&str, &str) {
    let most = COLUMNS - LABEL;
    if line.chars().count() <= most {
        return (line, "");
    }
    let end = line.char_indices().nth(most).map_or(line.len(), |(at, _)| at);
    // JSON has few spaces, and no name of it is cut.
    let cut = line[..end].rfind([' ', ',']).map_or(end, |at| at + 1);
    (&line[..cut], &line[cut..])
}

/// The text without what differs from run to run: spaces, numbers, times, and which statement was slow first.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let (before, behind) = text.split_once("statement=").unwrap_or((text, ""));
    let text = &format!("{before}{}", behind.split_once("left_out=").map_or(behind, |(_, behind)| behind));
    // Whether anything else waits for a wedged actor is up to chance.
    let words = text.split_whitespace().filter(|word| !word.starts_with("oldest_wait="));
    for c in words.flat_map(str::chars) {
        let is_of_number = c.is_ascii_digit() || (c == '.' && plain.ends_with('#'));
        match (is_of_number, plain.ends_with('#')) {
            (true, true) => {}
            (true, false) => plain.push('#'),
            (false, _) => plain.push(c),
        }
    }
    plain
}

#[test]
fn reports_are_told_apart_by_their_words_alone() {
    assert_eq!(plain("after 5.4 s,\n  busy"), plain("after 12 s, busy"));
    assert_ne!(plain("after 5 s"), plain("after 5 ms"));
    let long = "a word, ".repeat(30);
    let (first, behind) = wrapped(&long);
    assert!(first.len() <= COLUMNS && format!("{first}{behind}") == long && first.ends_with([' ', ',']));
}
