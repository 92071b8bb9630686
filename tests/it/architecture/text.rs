//! The form of texts: the length of lines and table cells, and the paths that documents name.

use std::path::{Path, PathBuf};

/// Most characters of a line.
const COLUMNS: usize = 120;
/// Most characters of a cell of a table: a phrase, not a paragraph.
const CELL: usize = 120;
/// What is held to [`COLUMNS`]: directories with all that is below them, and files.
const HELD: [&str; 13] = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "Cargo.toml",
    "benches",
    "clients",
    "config",
    "docs",
    "examples",
    "migration",
    "src",
    "tests",
    "vectors",
];
/// What is read of these; other files are made by programs.
const EXTENSIONS: [&str; 4] = ["md", "rs", "sql", "toml"];
/// Directories whose files documents name by their path.
const NAMED: [&str; 12] = [
    ".ci/",
    "benches/",
    "clients/",
    "config/",
    "deploy/",
    "docs/",
    "examples/",
    "fuzz/",
    "migration/",
    "src/",
    "tests/",
    "vectors/",
];

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files at or below a path, from the root of the repository.
pub(super) fn below(path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> = vec![root().join(path)];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known)) {
            found.push(path.strip_prefix(root()).unwrap().display().to_string());
        }
    }
    found.sort();
    found
}

/// Whether a line may be longer: a row of a table, a frame as it stands on the wire, which is not broken, or what
/// OpenAPI says of an endpoint: clients see where its lines end.
fn may_be_long(file: &str, line: &str) -> bool {
    let line = line.trim_start();
    let is_row = line.trim_start_matches('/').trim_start().starts_with('|');
    let is_frame = has_extension(file, "rs") && ["r#\"{", "r#\"[", "br#\"{"].iter().any(|start| line.contains(start));
    let of_openapi = ["///", "#[utoipa::path(", "(status", "params(", "description = "];
    let is_openapi = file.starts_with("src/http/public/") && of_openapi.iter().any(|start| line.starts_with(start));
    is_row || is_frame || is_openapi
}

/// The numbers of lines that are too long.
fn long_lines(file: &str, text: &str) -> Vec<usize> {
    let is_long = |line: &str| line.chars().count() > COLUMNS && !may_be_long(file, line);
    text.lines().enumerate().filter(|(_, line)| is_long(line)).map(|(i, _)| i + 1).collect()
}

/// The numbers of lines with a cell that is too long.
fn long_cells(text: &str) -> Vec<usize> {
    let cells = |line: &str| line.replace("\\|", " ").split('|').map(|cell| cell.trim().chars().count()).max();
    let is_long = |line: &str| line.starts_with('|') && cells(line).is_some_and(|longest| longest > CELL);
    text.lines().enumerate().filter(|(_, line)| is_long(line)).map(|(i, _)| i + 1).collect()
}

/// Paths that stand in backticks, as far as they are of this repository and of one file or directory.
fn named_paths(text: &str) -> Vec<&str> {
    let is_path = |code: &&str| {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
        NAMED.iter().any(|dir| code.starts_with(dir)) && code.chars().all(plain)
    };
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).filter(is_path).collect()
}

fn complaints(files: impl IntoIterator<Item = String>, check: impl Fn(&str, &str) -> Vec<String>) -> String {
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(root().join(&file)).unwrap();
        found.extend(check(&file, &text).into_iter().map(|what| format!("{file}:{what}")));
    }
    found.join("\n")
}

fn numbers(lines: Vec<usize>) -> Vec<String> {
    lines.into_iter().map(|line| line.to_string()).collect()
}

fn documents() -> impl Iterator<Item = String> {
    HELD.iter().flat_map(|path| below(path)).filter(|file| has_extension(file, "md"))
}

fn has_extension(file: &str, extension: &str) -> bool {
    Path::new(file).extension().is_some_and(|found| found == extension)
}

#[test]
fn no_line_is_longer_than_120_columns() {
    let found = complaints(HELD.iter().flat_map(|path| below(path)), |file, text| numbers(long_lines(file, text)));
    assert!(found.is_empty(), "lines above {COLUMNS} columns:\n{found}");
}

#[test]
fn cells_of_tables_hold_a_phrase() {
    let found = complaints(documents(), |_, text| numbers(long_cells(text)));
    assert!(found.is_empty(), "cells above {CELL} characters:\n{found}");
}

#[test]
fn paths_that_documents_name_exist() {
    // A crate of its own may name its own files.
    let exists = |file: &str, path: &str| {
        let dir = Path::new(file).parent().unwrap();
        root().join(path).exists() || root().join(dir).join(path).exists()
    };
    let missing = |file: &str, text: &str| {
        named_paths(text).into_iter().filter(|path| !exists(file, path)).map(str::to_owned).collect()
    };
    let found = complaints(documents().chain(["src/lib.rs".to_owned()]), missing);
    assert!(found.is_empty(), "documents name what is not there:\n{found}");
}

#[test]
fn the_checks_of_texts_find_what_they_forbid() {
    let (long, words) = ("x".repeat(COLUMNS + 1), "é".repeat(COLUMNS));
    assert_eq!(long_lines("a.rs", &format!("// {words}")), [1]);
    assert_eq!(long_lines("a.md", &format!("{words}\n{long}\n| {long} |")), [2]);
    assert!(long_lines("a.rs", &format!("let frame = r#\"{{{long}}}\"#;\n/// | {long} |")).is_empty());
    assert_eq!(long_cells(&format!("{long}\n| a | {long} |\n| {words} |")), [2]);
    let text = "`src/lib.rs` and `src/nothing.rs`, but not `src/{a,b}.rs`, `cargo test` or src/none.rs";
    assert_eq!(named_paths(text), ["src/lib.rs", "src/nothing.rs"]);
}
