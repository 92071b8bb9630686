//! Lines in and out.

use std::io::{BufRead as _, IsTerminal as _, Write as _, stderr, stdin, stdout};

use anyhow::Context as _;
use secrecy::SecretString;
use tokio::sync::mpsc;

use crate::editor::{self, Editor};

/// Stands before the lines of a message after its first: as wide as `HH:MM:SS `.
const INDENT: &str = "         ";

/// A line of the conversation, on standard output.
pub(crate) fn say(line: &str) -> anyhow::Result<()> {
    editor::above(|| writeln!(stdout(), "{line}")).context("cannot write to standard output")
}

/// A line about the conversation, on standard error.
pub(crate) fn notice(line: &str) {
    // Nobody is left to be told when this fails.
    let _ = editor::above(|| writeln!(stderr(), "-- {}", printable(line)));
}

/// Asks on the terminal, without showing what is typed.
pub(crate) fn ask_password(user: &str) -> anyhow::Result<SecretString> {
    let password = rpassword::prompt_password(format!("password for {user}: "))
        .context("no terminal to ask for the password: set FLUENT_PASSWORD")?;
    Ok(password.into())
}

/// What a person does with the keyboard.
pub(crate) enum Input {
    /// A line is complete.
    Line(String),
    /// A line is being written.
    Keystroke,
}

/// Returns whether a person can type, and see what is typed.
pub(crate) fn is_interactive() -> bool {
    stdin().is_terminal() && stdout().is_terminal()
}

/// The keyboard, or else the lines of standard input, until its end. The editor is to be held as long as it is wanted.
pub(crate) fn input() -> anyhow::Result<(Option<Editor>, mpsc::Receiver<Input>)> {
    if is_interactive() {
        let (editor, input) = Editor::start().context("cannot use the terminal")?;
        return Ok((Some(editor), input));
    }
    Ok((None, lines()?))
}

/// The lines of standard input.
///
/// Read by a thread of its own, which a read that never returns does not keep from ending with the program.
fn lines() -> anyhow::Result<mpsc::Receiver<Input>> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::Builder::new().name("input".to_owned()).spawn(move || read_lines(&sender))?;
    Ok(receiver)
}

fn read_lines(lines: &mpsc::Sender<Input>) {
    let mut input = stdin().lock();
    loop {
        let mut line = Vec::new();
        match input.read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                let line = text.trim_end_matches(['\r', '\n']).to_owned();
                if lines.blocking_send(Input::Line(line)).is_err() {
                    return;
                }
            }
            Err(error) => return notice(&format!("cannot read standard input: {error}")),
        }
    }
}

/// Text from somewhere else, unable to steer the terminal or to pass for another line.
pub(crate) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => {
                safe.push('\n');
                safe.push_str(INDENT);
            }
            '\t' => safe.push(c),
            // Marks that turn the direction of what follows would reach beyond the text.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => safe.push(char::REPLACEMENT_CHARACTER),
            c if c.is_control() => safe.push(char::REPLACEMENT_CHARACTER),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_steer_the_terminal() {
        assert_eq!(printable("a\tä 😀"), "a\tä 😀");
        assert_eq!(printable("\u{1b}[2J\r\u{9b}\u{202e}"), "\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(printable("a\n12:00:00 you: b"), format!("a\n{INDENT}12:00:00 you: b"));
    }
}
