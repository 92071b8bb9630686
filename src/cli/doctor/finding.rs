//! One thing that was looked at.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be.
    Fine,
    /// The server runs, but not as well or as safely as it could.
    Warning,
    /// The server does not start, does not work, or is not safe.
    Error,
}

/// What was looked at, and what was found.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    /// The subject in a word.
    pub(super) check: &'static str,
    pub(super) level: Level,
    /// What was found.
    pub(super) found: String,
    /// Why it matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<&'static str>,
    /// A command or a setting that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
}

impl Finding {
    pub(super) fn fine(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Level::Fine, found)
    }

    pub(super) fn warning(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Level::Warning, found)
    }

    pub(super) fn error(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Level::Error, found)
    }

    fn new(check: &'static str, level: Level, found: impl Into<String>) -> Self {
        Self { check, level, found: found.into(), why: None, mend: None }
    }

    /// Says why it matters.
    pub(super) fn since(mut self, why: &'static str) -> Self {
        self.why = Some(why);
        self
    }

    /// Says what mends it.
    pub(super) fn mended_by(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    /// Returns it for people: one line, and one more each for the reason and the cure.
    pub(super) fn text(&self) -> String {
        let level = match self.level {
            Level::Fine => "ok",
            Level::Warning => "warning",
            Level::Error => "ERROR",
        };
        let more =
            |label: &str, text: Option<&str>| text.map(|text| format!("\n{:24}{label} {text}", "")).unwrap_or_default();
        let (why, mend) = (more("why:", self.why), more("do: ", self.mend.as_deref()));
        format!("{level:<8} {:<14} {}{why}{mend}", self.check, self.found)
    }
}

#[cfg(test)]
mod tests {
    use super::Finding;

    #[test]
    fn a_finding_says_what_why_and_what_to_do() {
        let finding = Finding::warning("disk", "almost full").since("messages are refused").mended_by("make room");
        let expected = "warning  disk           almost full\n\
             \x20                       why: messages are refused\n\
             \x20                       do:  make room";
        assert_eq!(finding.text(), expected);
        assert_eq!(Finding::fine("disk", "empty").text(), "ok       disk           empty");
    }
}
