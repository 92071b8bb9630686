//! `.env` files: `NAME=value` a line, the value as it is written.
//!
//! We parse them ourselves, since other parsers replace `$NAME` and drop backslashes: a secret would not be the one
//! that was written down. A line that other parsers read in two different ways is refused.

/// The byte order mark, which some editors put before the first line.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Returns the text without a byte order mark.
pub(crate) fn without_byte_order_mark(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// Returns names and values in their order. An error names the line, never what is in it.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut variables = Vec::new();
    for (number, line) in without_byte_order_mark(text).lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |reason: &str| format!("line {}: {reason}", number + 1);
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=').ok_or_else(|| wrong("not NAME=value"))?;
        let name = name.trim_end();
        if !is_name(name) {
            return Err(wrong("not NAME=value"));
        }
        variables.push((name.to_owned(), unquoted(value.trim_start()).map_err(wrong)?));
    }
    Ok(variables)
}

fn is_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
        && name.starts_with(|first: char| !first.is_ascii_digit())
}

/// Returns the value without the quotes around it, or without a comment behind it.
fn unquoted(value: &str) -> Result<String, &'static str> {
    let Some(quote) = value.chars().next().filter(|first| matches!(first, '"' | '\'')) else {
        // A comment begins after white space; without it, the mark may belong to a password.
        let comment = value.match_indices('#').map(|(at, _)| at);
        let begins = |at: &usize| value[..*at].ends_with(char::is_whitespace) || *at == 0;
        let end = comment.into_iter().find(begins).unwrap_or(value.len());
        return Ok(value[..end].trim_end().to_owned());
    };
    let (inner, behind) = value[1..].split_once(quote).ok_or("a quoted value must end on the same line")?;
    if quote == '"' && inner.contains('\\') {
        return Err("in \"…\" a backslash may mean two things: write the value in '…'");
    }
    let behind = behind.trim_start();
    if !behind.is_empty() && !behind.starts_with('#') {
        return Err("something follows the closing quote");
    }
    Ok(inner.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(line: &str) -> Result<String, String> {
        parse(line).map(|variables| variables.into_iter().next().unwrap().1)
    }

    #[test]
    fn values_are_kept_as_they_are_written() {
        for (line, kept) in [
            ("A=before$TOKENxyz", "before$TOKENxyz"),
            ("A=${HOME}$$", "${HOME}$$"),
            ("A=\"in $HOME quotes\"", "in $HOME quotes"),
            ("A='$HOME \\n \"x\"'", "$HOME \\n \"x\""),
            ("A=back\\slash\\n", "back\\slash\\n"),
            ("A=with#mark", "with#mark"),
            ("A=two words # and a comment", "two words"),
            ("A= spaces around \t", "spaces around"),
            ("A=a'b\"c", "a'b\"c"),
            ("A=x==", "x=="),
            ("A=\"quoted\"  # comment", "quoted"),
            ("export A=1", "1"),
            ("A = 1\r", "1"),
            ("A=", ""),
            ("A=# nothing", ""),
            ("\u{feff}A=1", "1"),
            ("\u{feff}\r\n# x\r\n  A=ä\r\n", "ä"),
        ] {
            assert_eq!(value(line).as_deref(), Ok(kept), "{line:?}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused_without_repeating_it() {
        for line in [
            "hunter22",
            "1A=hunter22",
            "A B=hunter22",
            "A=\"hunter22",
            "A='hunter22' x",
            "A=\"hunter22\\n\"",
            "=hunter22",
        ] {
            let error = parse(&format!("# first\n{line}")).unwrap_err();
            assert!(error.starts_with("line 2: ") && !error.contains("hunter22"), "{line:?}: {error}");
        }
    }
}
