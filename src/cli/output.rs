//! Output of the program. Output that cannot be written is dropped: a full disk, or a reader that has gone away, does
//! not change what a command does.

use std::io::Write as _;

/// Prints on standard output.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints one line of information on standard error, beside the output.
pub(crate) fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints one line on standard error: the error and its causes.
pub(crate) fn complain(error: &anyhow::Error) {
    print_error(&one_line(error));
}

/// Prints one warning on standard error.
pub(crate) fn warn(warning: &str) {
    print_error(&format!("warning: {}", words(warning)));
}

fn print_error(line: &str) {
    let _ = writeln!(std::io::stderr(), "fluent-backend: {line}");
}

/// Returns the error and its causes in one line. A cause that the text before it repeats is left out.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let cause = words(&cause.to_string());
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line.push_str(": ");
            line.push_str(&cause);
        }
    }
    line
}

/// Returns the words of the text, separated by single spaces.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read x: {source}")]
    struct Repeats {
        source: std::io::Error,
    }

    #[test]
    fn each_cause_is_told_once() {
        let cause = || std::io::Error::other("disk\n  full");
        let error = anyhow::Error::new(Repeats { source: cause() }).context("no start");
        assert_eq!(one_line(&error), "no start: cannot read x: disk full");
        assert_eq!(one_line(&anyhow::Error::new(cause()).context("no start")), "no start: disk full");
    }
}
