//! What a line that was typed asks for.

use fluent_client::DeleteFor;

/// Shown for `/help`.
pub(crate) const HELP: &str = "\
/history              what was written before
/delete N             takes message [N] from your devices
/delete N everyone    … from your partner's devices too: your own message, within a day
/report N WHY         tells the operators of message [N]: spam, harassment, threat, illegal or other
/send FILE            sends a file
/save N               saves the files of message [N] in the present directory
/retry, /discard      sends again, or forgets, what could not be sent
/quit                 ends the chat; so does Ctrl-D
//text                sends /text";

/// Why a message can be reported.
const REASONS: [&str; 5] = ["spam", "harassment", "threat", "illegal", "other"];

/// See the module.
#[derive(Debug, PartialEq)]
pub(crate) enum Command<'a> {
    Send(&'a str),
    /// The file at this path.
    SendFile(&'a str),
    /// The files of the message with this id.
    Save(i64),
    History,
    /// The message with this id.
    Delete(i64, DeleteFor),
    /// The message with this id, and why: one of [`REASONS`].
    Report(i64, &'static str),
    Retry,
    Discard,
    Typing,
    Help,
    Quit,
    Unknown,
}

impl<'a> Command<'a> {
    /// Reads a line.
    pub(crate) fn parse(line: &'a str) -> Self {
        let Some(command) = line.strip_prefix('/') else { return Self::Send(line) };
        if command.starts_with('/') {
            return Self::Send(command);
        }
        // A path may have blanks in it.
        if let Some(path) = command.strip_prefix("send ").map(str::trim).filter(|path| !path.is_empty()) {
            return Self::SendFile(path);
        }
        let words: Vec<&str> = command.split_whitespace().collect();
        match words[..] {
            ["history"] => Self::History,
            ["save", number] => number.parse().map_or(Self::Unknown, Self::Save),
            ["delete", number] => Self::delete(number, DeleteFor::Me),
            ["delete", number, "everyone"] => Self::delete(number, DeleteFor::Everyone),
            ["report", number, reason] => Self::report(number, reason),
            ["retry"] => Self::Retry,
            ["discard"] => Self::Discard,
            ["typing"] => Self::Typing,
            ["help"] => Self::Help,
            ["quit"] => Self::Quit,
            _ => Self::Unknown,
        }
    }

    fn report(number: &str, reason: &str) -> Self {
        let reason = REASONS.into_iter().find(|known| *known == reason);
        number.parse().ok().zip(reason).map_or(Self::Unknown, |(id, reason)| Self::Report(id, reason))
    }

    fn delete(number: &str, scope: DeleteFor) -> Self {
        number.parse().map_or(Self::Unknown, |id| Self::Delete(id, scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_texts_or_commands() {
        for (line, command) in [
            ("hello", Command::Send("hello")),
            ("", Command::Send("")),
            ("//quit", Command::Send("/quit")),
            ("/quit", Command::Quit),
            ("/send a b.jpg ", Command::SendFile("a b.jpg")),
            ("/send", Command::Unknown),
            ("/save 3", Command::Save(3)),
            ("/save", Command::Unknown),
            ("/delete 3", Command::Delete(3, DeleteFor::Me)),
            ("/delete  3 everyone ", Command::Delete(3, DeleteFor::Everyone)),
            ("/delete three", Command::Unknown),
            ("/report 3 spam", Command::Report(3, "spam")),
            ("/report 3 dislike", Command::Unknown),
            ("/nonsense", Command::Unknown),
            ("/", Command::Unknown),
        ] {
            assert_eq!(Command::parse(line), command, "{line}");
        }
    }
}
