//! Blocks and commands in the documents.

use std::path::{Path, PathBuf};

/// A fenced block.
pub(super) struct Block {
    /// The document, from the root of the repository.
    pub(super) file: String,
    /// The word behind the fence.
    pub(super) language: String,
    /// What is between the fences.
    pub(super) text: String,
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap()
}

/// All documents, from the root of the repository.
pub(super) fn documents() -> Vec<String> {
    let mut found = Vec::new();
    for dir in ["", "benches", "deploy", "docs", "docs/operations", "examples", "fuzz"] {
        let entries = std::fs::read_dir(root().join(dir)).unwrap().map(|entry| entry.unwrap().path());
        let files = entries.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
        found.extend(files.map(|path: PathBuf| path.strip_prefix(root()).unwrap().display().to_string()));
    }
    found.sort();
    assert!(found.contains(&"README.md".to_owned()));
    found
}

/// All fenced blocks, in their order in each document.
pub(super) fn blocks() -> Vec<Block> {
    let mut found = Vec::new();
    for file in documents() {
        let text = read(&file);
        let mut open: Option<Block> = None;
        for line in text.lines() {
            match (line.trim_start().strip_prefix("```"), open.take()) {
                (Some(_), Some(block)) => found.push(block),
                (Some(language), None) => {
                    open = Some(Block { file: file.clone(), language: language.to_owned(), text: String::new() });
                }
                (None, Some(mut block)) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                    open = Some(block);
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{file} has a block that does not end");
    }
    found
}

/// The text of the block that begins so.
pub(super) fn block(file: &str, first: &str) -> String {
    let found = blocks().into_iter().find(|block| block.file == file && block.text.starts_with(first));
    found.unwrap_or_else(|| panic!("{file} has no block that begins with {first:?}")).text
}

/// What stands between backticks outside of blocks, with its document.
pub(super) fn inline_code() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in documents() {
        let mut in_block = false;
        let mut prose = String::new();
        for line in read(&file).lines() {
            if line.trim_start().starts_with("```") {
                in_block = !in_block;
            } else if !in_block {
                prose.push_str(line);
                prose.push('\n');
            }
        }
        let code = prose.split('`').skip(1).step_by(2);
        found.extend(code.map(|code| (file.clone(), code.split_whitespace().collect::<Vec<_>>().join(" "))));
    }
    found
}
