//! A line editor: what comes meanwhile is shown above the line that is being written, and every key is heard of.

use std::io::{Read as _, Write as _, stdin, stdout};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::sync::mpsc;

use crate::terminal::{Input, notice};

/// Moves to the beginning of the line and empties it.
const ERASE: &str = "\r\x1b[K";
/// Stands before the line.
const PROMPT: &str = "> ";
/// For terminals that do not tell their width.
const USUAL_WIDTH: usize = 80;

/// The line on the terminal, of which a program has one; nothing while nobody edits.
static LINE: Mutex<Option<Line>> = Mutex::new(None);

/// Takes the terminal, until it is dropped.
pub(crate) struct Editor {
    before: Termios,
}

impl Editor {
    /// Takes the terminal. Keys are read by a thread of its own, which ends with the program.
    pub(crate) fn start() -> anyhow::Result<(Self, mpsc::Receiver<Input>)> {
        let before = tcgetattr(stdin())?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(stdin(), OptionalActions::Now, &modes)?;
        let editor = Self { before };
        *line() = Some(Line::default());
        above(|| Ok(()))?;
        let (sender, receiver) = mpsc::channel(16);
        std::thread::Builder::new().name("input".to_owned()).spawn(move || edit(&sender))?;
        Ok((editor, receiver))
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        *line() = None;
        // Nobody is left to be told when these fail.
        let _ = write!(stdout(), "{ERASE}").and_then(|()| stdout().flush());
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
    }
}

/// Prints something above the line that is being written.
pub(crate) fn above(print: impl FnOnce() -> std::io::Result<()>) -> std::io::Result<()> {
    let line = line();
    let Some(line) = &*line else { return print() };
    write!(stdout(), "{ERASE}")?;
    stdout().flush()?;
    print()?;
    write!(stdout(), "{}{PROMPT}{}", line.status(width()), line.end(width()))?;
    stdout().flush()
}

/// Shows something before the line that is being written; where nobody edits, nothing.
pub(crate) fn set_status(status: &str) {
    match &mut *line() {
        Some(line) if line.status != status => status.clone_into(&mut line.status),
        _ => return,
    }
    // Nobody is left to be told when this fails.
    let _ = above(|| Ok(()));
}

fn edit(inputs: &mpsc::Sender<Input>) {
    let mut byte = [0];
    loop {
        match stdin().read(&mut byte) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => return notice(&format!("cannot read the keyboard: {error}")),
        }
        let Some(key) = line().as_mut().map(|line| line.take(byte[0])) else { return };
        // The line has changed: it is written again.
        let _ = above(|| Ok(()));
        let input = match key {
            // Who writes a command writes to nobody.
            Key::Command | Key::Nothing => continue,
            Key::Written => Input::Keystroke,
            Key::Line(line) => Input::Line(line),
            Key::End => return,
        };
        if inputs.blocking_send(input).is_err() {
            return;
        }
    }
}

fn line() -> MutexGuard<'static, Option<Line>> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn width() -> usize {
    match tcgetwinsize(stdout()) {
        Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
        _ => USUAL_WIDTH,
    }
}

/// What is being written.
#[derive(Default)]
struct Line {
    /// Stands before it.
    status: String,
    text: String,
    /// The beginning of a character.
    bytes: Vec<u8>,
    escape: Escape,
}

/// The keys that move a cursor, which is not there: `ESC [ … letter` or `ESC O letter`.
#[derive(Default, PartialEq)]
enum Escape {
    #[default]
    None,
    Begun,
    Sequence,
}

/// What a byte from the keyboard means.
#[derive(Debug, PartialEq)]
enum Key {
    Nothing,
    /// There is more, or less, on the line.
    Written,
    /// … which begins like a command.
    Command,
    Line(String),
    End,
}

impl Line {
    fn take(&mut self, byte: u8) -> Key {
        let length = self.text.len();
        match (&self.escape, byte) {
            (Escape::Begun, b'[' | b'O') => self.escape = Escape::Sequence,
            (Escape::Sequence, 0x20..=0x3f) => {}
            (Escape::Begun | Escape::Sequence, _) => self.escape = Escape::None,
            (Escape::None, 0x1b) => self.escape = Escape::Begun,
            (Escape::None, b'\n' | b'\r') => return Key::Line(std::mem::take(&mut self.text)),
            (Escape::None, 0x7f | 0x08) => drop(self.text.pop()),
            // Ctrl-U empties the line.
            (Escape::None, 0x15) => self.text.clear(),
            // Ctrl-D, as usual, only on an empty line; Ctrl-C always.
            (Escape::None, 0x04) if self.text.is_empty() => return Key::End,
            (Escape::None, 0x03) => return Key::End,
            (Escape::None, byte) if byte != b'\t' && byte.is_ascii_control() => {}
            (Escape::None, byte) => self.write(byte),
        }
        match self.text.len() {
            same if same == length => Key::Nothing,
            _ if self.text.starts_with('/') => Key::Command,
            _ => Key::Written,
        }
    }

    fn write(&mut self, byte: u8) {
        self.bytes.push(byte);
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => self.text.push_str(text),
            Err(error) if error.error_len().is_none() => return,
            Err(_) => self.text.push(char::REPLACEMENT_CHARACTER),
        }
        self.bytes.clear();
    }

    /// As much of the status as half a row holds.
    fn status(&self, width: usize) -> String {
        self.status.chars().take(width / 2).chain((!self.status.is_empty()).then_some(' ')).collect()
    }

    /// As much of the end as one row holds. Characters beyond ASCII may be two columns wide.
    fn end(&self, width: usize) -> String {
        let mut room = width.saturating_sub(1 + PROMPT.len() + self.status(width).chars().count());
        let fits = |c: &char| {
            let wide = if c.is_ascii() { 1 } else { 2 };
            let fits = wide <= room;
            room = room.saturating_sub(wide);
            fits
        };
        let end: Vec<char> = self.text.chars().rev().take_while(fits).collect();
        end.into_iter().rev().map(|c| if c == '\t' { ' ' } else { c }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(line: &mut Line, bytes: &[u8]) -> Vec<Key> {
        bytes.iter().map(|&byte| line.take(byte)).filter(|key| *key != Key::Nothing).collect()
    }

    #[test]
    fn a_line_is_written_and_corrected() {
        let mut line = Line::default();
        let written = keys(&mut line, "hä\x7fallo\n".as_bytes());
        assert_eq!(written.len(), 8);
        assert_eq!(written.last(), Some(&Key::Line("hallo".to_owned())));
        assert_eq!(keys(&mut line, b"\x7f\x08"), []);
        keys(&mut line, "😀x\x15y".as_bytes());
        assert_eq!(keys(&mut line, b"\r"), [Key::Line("y".to_owned())]);
        assert_eq!(keys(&mut line, b"\xffz\n").last(), Some(&Key::Line("\u{fffd}z".to_owned())));
    }

    #[test]
    fn keys_without_a_meaning_write_nothing() {
        let mut line = Line::default();
        assert_eq!(keys(&mut line, b"\x1b[A\x1b[3~\x1bOP\x1bx\x01"), []);
        assert_eq!(keys(&mut Line::default(), b"/q"), [Key::Command, Key::Command]);
        assert_eq!(keys(&mut line, b"a\x04"), [Key::Written]);
        assert_eq!(keys(&mut line, b"\x03"), [Key::End]);
        assert_eq!(keys(&mut Line::default(), b"\x04"), [Key::End]);
    }

    #[test]
    fn one_row_shows_the_end() {
        let line = Line { text: "0123456789".to_owned(), ..Line::default() };
        assert_eq!(line.end(80), "0123456789");
        assert_eq!(line.end(8), "56789");
        let line = Line { text: "ab你好".to_owned(), ..Line::default() };
        assert_eq!(line.end(8), "b你好");
        let line = Line { status: "a.jpg 5 %".to_owned(), text: "0123456789".to_owned(), ..Line::default() };
        assert_eq!((line.status(16), line.end(16)), ("a.jpg 5  ".to_owned(), "6789".to_owned()));
    }
}
