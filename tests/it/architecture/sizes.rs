//! The size of rooms: a file and a function that have outgrown it hold more than one idea.

use std::path::Path;

use super::text::{below, root};

/// Most lines of a source file, with its comments and the tests in it.
const FILE: usize = 300;
/// Most lines of a function, from its name to its end.
const FUNCTION: usize = 60;

/// Returns the name of the function that begins in this line, and how far it is indented.
fn begun(line: &str) -> Option<(&str, &str)> {
    let code = line.trim_start();
    let indent = &line[..line.len() - code.len()];
    let mut rest = code;
    if let Some(limited) = rest.strip_prefix("pub(") {
        rest = limited.split_once(')')?.1.trim_start();
    }
    for word in ["pub ", "const ", "async "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let name = rest.strip_prefix("fn ")?.split(['(', '<']).next()?;
    Some((name, indent))
}

/// Returns the functions that are longer than allowed, each with its lines. It relies on the indentation of rustfmt.
fn long_functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (first, line) in lines.iter().enumerate() {
        let Some((name, indent)) = begun(line) else { continue };
        let (end, declared) = (format!("{indent}}}"), format!("{indent})"));
        let is_over = |line: &str| line == end || (line.starts_with(&declared) && line.ends_with(';'));
        if line.ends_with('}') || line.ends_with(';') {
            continue;
        }
        let end = lines[first..].iter().position(|line| is_over(line));
        let count = end.unwrap_or_else(|| panic!("the end of {name} was not found")) + 1;
        if count > FUNCTION {
            found.push((name.to_owned(), count));
        }
    }
    found
}

#[test]
fn files_and_functions_have_the_size_of_one_idea() {
    let mut large = Vec::new();
    for file in below("src").into_iter().filter(|file| Path::new(file).extension().is_some_and(|is| is == "rs")) {
        let text = std::fs::read_to_string(root().join(&file)).unwrap();
        let count = text.lines().count();
        if count > FILE {
            large.push(format!("{file}: {count} lines"));
        }
        large
            .extend(long_functions(&text).into_iter().map(|(name, count)| format!("{file}: {name} has {count} lines")));
    }
    assert_eq!(large, Vec::<String>::new());
}

#[test]
fn a_long_function_is_found_wherever_it_stands() {
    let body = |count| "        work();\n".repeat(count);
    let heads = [
        "pub(super) async fn long(",
        "fn long<T>(",
        "fn long<T: Into<u8>, const N: usize>(",
        "async fn long<'a, F>(",
        "fn long<\n        T: Clone,\n    >(",
        "pub(in crate::storage) fn long(",
        "pub const fn long(",
    ];
    for head in heads {
        let text = |count| format!("impl A {{\n    {head}\n        self,\n    ) {{\n{}    }}\n}}\n", body(count));
        let body = FUNCTION - 3 - head.lines().count();
        assert_eq!(long_functions(&text(body)), []);
        assert_eq!(long_functions(&text(body + 1)), [("long".to_owned(), FUNCTION + 1)]);
    }
    // A declaration has no body; what follows it is none of its own.
    let declared = format!("trait A {{\n    fn long(\n        &self,\n    ) -> u8;\n{}    }}\n}}\n", body(FUNCTION));
    assert_eq!(long_functions(&declared), []);
}
