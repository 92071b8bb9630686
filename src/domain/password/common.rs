//! The 10,000 commonest passwords of eight and more characters.
//!
//! They are those of zxcvbn's frequency list (`passwords` in its Python edition, 4.5.0, MIT licence, see `LICENSE`
//! beside this file), in order, one a line.

const LIST: &str = include_str!("common.txt");

/// Returns whether the folded text is one of these passwords.
pub(super) fn contains(folded: &str) -> bool {
    // Bisects the text itself: as lines the list would take three times the memory.
    let mut rest = LIST;
    while !rest.is_empty() {
        let middle =
            rest.as_bytes().iter().take(rest.len() / 2).rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let (before, from) = rest.split_at(middle);
        let (line, after) = from.split_once('\n').unwrap_or((from, ""));
        match folded.cmp(line) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => rest = before,
            std::cmp::Ordering::Greater => rest = after,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fold_name;

    #[test]
    fn every_line_is_found() {
        let lines: Vec<&str> = LIST.lines().collect();
        assert!(lines.is_sorted() && lines.len() == 10_000);
        assert!(lines.iter().all(|line| contains(line) && fold_name(line) == **line));
        for missing in ["", "\n", "password\n", "zzzzzzzzz~", "!", "passwore", "1234567"] {
            assert!(!contains(missing), "{missing:?}");
        }
    }
}
