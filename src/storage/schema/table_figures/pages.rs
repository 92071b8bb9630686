//! What some pages of a tree say about the whole of it.

use std::collections::HashMap;

/// A page as `dbstat` describes it.
#[derive(Clone, Debug)]
pub(super) struct Page {
    /// The way to it from the root: `/`, `/000/`, `/000/1c2/`, and for an overflow page `/000/1c2+000001`.
    pub(super) path: String,
    /// `internal`, `leaf` or `overflow`.
    pub(super) kind: String,
    /// The cells on it.
    pub(super) cells: u64,
    pub(super) bytes: u64,
}

/// The rows and bytes of a tree, perhaps estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Whether nothing is estimated.
    pub(super) is_whole: bool,
}

impl Tree {
    /// Reckons from the first pages, in the order of the keys, or from all where `is_whole`.
    pub(super) fn of(pages: &[Page], is_whole: bool, rows_are_in_leaves: bool) -> Self {
        let has_rows = |page: &&Page| page.kind == "leaf" || page.kind == "internal" && !rows_are_in_leaves;
        let rows = pages.iter().filter(has_rows).map(|page| page.cells).sum();
        let bytes = pages.iter().map(|page| page.bytes).sum();
        let part = if is_whole { 1.0 } else { part(pages) };
        Self { rows: scaled(rows, part), bytes: scaled(bytes, part), is_whole }
    }
}

/// Returns which part of the tree these pages are, between 0 and 1.
fn part(pages: &[Page]) -> f64 {
    let children: HashMap<&str, u64> =
        pages.iter().filter(|page| page.kind == "internal").map(|page| (page.path.as_str(), page.cells + 1)).collect();
    let Some(last) = pages.last() else { return 1.0 };
    // Overflow pages belong to the page behind which they are.
    let way = last.path.split('+').next().unwrap_or_default();
    let (mut at, mut before, mut share) = ("/".to_owned(), 0.0, 1.0);
    for step in way.split('/').filter(|step| !step.is_empty()) {
        let Some(count) = children.get(at.as_str()) else { break };
        let index = u32::from_str_radix(step, 16).unwrap_or_default();
        share /= count_as_f64(*count);
        before += f64::from(index) * share;
        at = format!("{at}{step}/");
    }
    // The last page was looked at, too.
    (before + share).clamp(f64::MIN_POSITIVE, 1.0)
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn count_as_f64(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate, which is not negative")]
fn scaled(count: u64, part: f64) -> u64 {
    if part >= 1.0 { count } else { (count_as_f64(count) / part).round() as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, kind: &str, cells: u64) -> Page {
        Page { path: path.to_owned(), kind: kind.to_owned(), cells, bytes: 4096 }
    }

    /// The first `count` pages of a tree of 10 × 20 leaves with 50 cells each.
    fn first(count: usize) -> Vec<Page> {
        let mut pages = vec![page("/", "internal", 9)];
        for i in 0..10 {
            pages.push(page(&format!("/{i:03x}/"), "internal", 19));
            pages.extend((0..20).map(|j| page(&format!("/{i:03x}/{j:03x}/"), "leaf", 50)));
        }
        pages.truncate(count);
        pages
    }

    #[test]
    fn a_whole_tree_is_counted() {
        let all = first(1000);
        assert_eq!(Tree::of(&all, true, true), Tree { rows: 10_000, bytes: 211 * 4096, is_whole: true });
        // In an index the cells of inner pages are rows, too.
        assert_eq!(Tree::of(&all, true, false).rows, 10_000 + 9 + 10 * 19);
        assert_eq!(Tree::of(&[], true, true).rows, 0);
    }

    #[test]
    fn some_pages_tell_of_all_others() {
        for count in [30, 64, 100, 150, 205] {
            let tree = Tree::of(&first(count), false, true);
            assert!((9_000..=11_000).contains(&tree.rows), "{count}: {tree:?}");
            assert!((190 * 4096..=235 * 4096).contains(&tree.bytes), "{count}: {tree:?}");
        }
        let mut with_overflow = first(66);
        with_overflow.push(page("/003/000+000001", "overflow", 0));
        assert!((9_000..=11_000).contains(&Tree::of(&with_overflow, false, true).rows));
    }
}
