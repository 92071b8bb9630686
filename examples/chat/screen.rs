//! The conversation on the screen: lines that name their message by its id, which stays the same over restarts and is
//! the same on the partner's screen.

use std::collections::BTreeSet;

use jiff::Timestamp;

use fluent_client::Message;

use crate::marks::Mark;
use crate::terminal::{self, printable};

/// The lines of the conversation with one partner.
pub(crate) struct Screen {
    label: String,
    /// The ids of the messages that are shown.
    shown: BTreeSet<i64>,
}

impl Screen {
    /// An empty one.
    pub(crate) fn new(partner: &str) -> Self {
        Self { label: label(partner), shown: BTreeSet::new() }
    }

    /// What the partner is called here.
    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// Whether the message with this id is on the screen.
    pub(crate) fn shows(&self, id: i64) -> bool {
        self.shown.contains(&id)
    }

    /// The oldest message on the screen.
    pub(crate) fn oldest(&self) -> Option<i64> {
        self.shown.first().copied()
    }

    /// The newest message on the screen.
    pub(crate) fn newest(&self) -> Option<i64> {
        self.shown.last().copied()
    }

    /// Shows a message that is not on the screen yet; own ones have a mark.
    pub(crate) fn show(&mut self, message: &Message, mark: Option<Mark>, text: &str) -> anyhow::Result<()> {
        if !self.shown.insert(message.id) {
            return Ok(());
        }
        terminal::say(&self.line(message, mark, text))
    }

    /// Says what has become of all own messages up to this one.
    pub(crate) fn mark(&self, id: i64, mark: Mark) -> anyhow::Result<()> {
        if self.shows(id) { terminal::say(&format!("         [{id}] {mark}")) } else { Ok(()) }
    }

    fn line(&self, message: &Message, mark: Option<Mark>, text: &str) -> String {
        let name = if mark.is_some() { "you" } else { &self.label };
        let mark = mark.map(|mark| format!(" {mark}")).unwrap_or_default();
        format!("{} [{}] {name}: {}{mark}", time(&message.timestamp), message.id, printable(text))
    }
}

/// The time of day of a time stamp, in UTC.
pub(crate) fn time(timestamp: &str) -> String {
    match timestamp.parse::<Timestamp>() {
        Ok(moment) => moment.strftime("%H:%M:%S").to_string(),
        Err(_) => "??:??:??".to_owned(),
    }
}

/// What the partner is called on the screen: the address up to the `@`, unless that is what the user is called.
pub(crate) fn label(user_name: &str) -> String {
    match user_name.split_once('@') {
        Some((local, _)) if !local.eq_ignore_ascii_case("you") => printable(local),
        _ => printable(user_name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::tests::message;
    use fluent_client::ServerFrame;

    #[test]
    fn labels_are_short_and_not_the_users_own() {
        assert_eq!(label("bob@example.org"), "bob");
        assert_eq!(label("bob"), "bob");
        assert_eq!(label("You@example.org"), "You@example.org");
    }

    #[test]
    fn messages_are_shown_once_by_their_ids() {
        let mut screen = Screen::new("bob@example.org");
        for (id, mark) in [(30, None), (31, Some(Mark::Read)), (10, None)] {
            let ServerFrame::Message(message) = message(id, 2, 1) else { unreachable!() };
            screen.show(&message, mark, "hi").unwrap();
            screen.show(&message, mark, "hi").unwrap();
        }
        assert_eq!([30, 31, 10, 11].map(|id| screen.shows(id)), [true, true, true, false]);
        assert_eq!((screen.oldest(), screen.newest()), (Some(10), Some(31)));
        let ServerFrame::Message(message) = message(31, 1, 2) else { unreachable!() };
        assert_eq!(screen.line(&message, Some(Mark::Read), "hi"), "15:00:31 [31] you: hi ✓✓ read");
        assert_eq!(screen.line(&message, None, "h\ri"), "15:00:31 [31] bob: h\u{fffd}i");
        assert_eq!(time("soon"), "??:??:??");
    }
}
