//! The last warnings and errors of the log, for operators who have no other way to it. It is of the process, as the log
//! is. Bound: [`KEPT`] lines of at most [`MAX_FIELDS`] values of [`MAX_CHARS`] characters.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::FormattedFields;
use tracing_subscriber::fmt::format::{DefaultFields, JsonFields};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use crate::clock::Clock;
use crate::domain::Timestamp;

/// Lines that are kept.
const KEPT: usize = 500;
/// Fields of a line that are kept.
const MAX_FIELDS: usize = 32;
/// Characters of a value that are kept.
const MAX_CHARS: usize = 1000;

static LINES: Lines = Lines(Mutex::new(Kept { last: 0, lines: VecDeque::new() }));

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// Its number in this process: later lines have higher ones.
    pub id: u64,
    /// When it was written.
    pub at: Timestamp,
    /// `warn` or `error`.
    pub level: &'static str,
    /// The part of the program that has written it.
    pub target: &'static str,
    /// What it says.
    pub text: String,
    /// What it says more, by name.
    pub fields: BTreeMap<&'static str, String>,
    /// What it was written during, the outermost first, each with its fields.
    pub spans: Vec<String>,
}

struct Lines(Mutex<Kept>);

struct Kept {
    last: u64,
    lines: VecDeque<LogLine>,
}

impl Lines {
    fn add(&self, mut line: LogLine) {
        let mut kept = self.kept();
        kept.last += 1;
        line.id = kept.last;
        if kept.lines.len() >= KEPT {
            kept.lines.pop_front();
        }
        kept.lines.push_back(line);
    }

    fn newest(&self, before: Option<u64>, only_errors: bool, limit: usize) -> Vec<LogLine> {
        let kept = self.kept();
        let wanted =
            |line: &&LogLine| before.is_none_or(|before| line.id < before) && (!only_errors || line.level == "error");
        kept.lines.iter().rev().filter(wanted).take(limit).cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Whole after any panic: lines are only added and dropped.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the newest lines, newest first, at most `limit`: those before this one, and errors alone if that is wanted.
#[must_use]
pub fn newest_log_lines(before: Option<u64>, only_errors: bool, limit: usize) -> Vec<LogLine> {
    LINES.newest(before, only_errors, limit)
}

/// Keeps the warnings and errors that the filter lets through.
pub(super) struct KeepLines;

impl<S> Layer<S> for KeepLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if *event.metadata().level() <= Level::WARN {
            LINES.add(line(event, &context));
        }
    }
}

/// Makes a line, of what the log shows of the event.
fn line<S>(event: &Event<'_>, context: &Context<'_, S>) -> LogLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let (mut values, metadata) = (Values::default(), event.metadata());
    event.record(&mut values);
    let spans = context.event_scope(event).into_iter().flat_map(Scope::from_root).map(|span| {
        // As the layer that writes the log has formatted them.
        let extensions = span.extensions();
        let json = extensions.get::<FormattedFields<JsonFields>>().map(|fields| fields.fields.as_str());
        let text = extensions.get::<FormattedFields<DefaultFields>>().map(|fields| fields.fields.as_str());
        cut(format!("{}{}", span.name(), without_colours(json.or(text).unwrap_or_default())))
    });
    LogLine {
        id: 0,
        at: Clock::system().now(),
        level: if *metadata.level() == Level::ERROR { "error" } else { "warn" },
        target: metadata.target(),
        spans: spans.take(MAX_FIELDS).collect(),
        text: values.text,
        fields: values.fields,
    }
}

/// Returns a text without the escape sequences by which a terminal shows colours.
fn without_colours(text: &str) -> String {
    let mut pieces = text.split('\u{1b}');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.split_once('m').map_or(piece, |(_, rest)| rest))
}

fn cut(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(MAX_CHARS) {
        text.truncate(at);
        text.push('…');
    }
    text
}

/// The values of an event.
#[derive(Default)]
struct Values {
    text: String,
    fields: BTreeMap<&'static str, String>,
}

impl Values {
    fn keep(&mut self, field: &Field, value: String) {
        if field.name() == "message" {
            self.text = cut(value);
        } else if self.fields.len() < MAX_FIELDS {
            self.fields.insert(field.name(), cut(value));
        }
    }
}

impl Visit for Values {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn warnings_and_errors_are_kept_with_their_fields_and_spans() {
        let written = tracing_subscriber::fmt::layer().json().with_writer(std::io::sink);
        let subscriber = tracing_subscriber::registry().with(KeepLines).with(written);
        let before = tracing::subscriber::with_default(subscriber, || {
            let _outer = tracing::info_span!("outer", place = 7).entered();
            tracing::info!("not kept by this test of lines");
            tracing::warn!(count = 3, error = %"no\u{1b}disk", "a warning of this test");
            let newest = newest_log_lines(None, false, 500);
            tracing::error!(name = "x".repeat(2000), "an error of this test");
            newest
        });
        let warning = before.iter().find(|line| line.text == "a warning of this test").unwrap();
        assert_eq!((warning.level, warning.fields["count"].as_str()), ("warn", "3"));
        assert_eq!(warning.fields["error"], "no\u{1b}disk");
        assert_eq!(warning.spans, ["outer{\"place\":7}"]);
        assert!(!before.iter().any(|line| line.text.contains("not kept")));
        let errors = newest_log_lines(None, true, 500);
        let error = errors.iter().find(|line| line.text == "an error of this test").unwrap();
        assert_eq!(error.fields["name"].chars().count(), MAX_CHARS + 1);
        assert!(error.id > warning.id && !newest_log_lines(Some(error.id), true, 500).contains(error));
    }

    #[test]
    fn only_the_newest_are_kept() {
        let lines = Lines(Mutex::new(Kept { last: 0, lines: VecDeque::new() }));
        for number in 0..KEPT + 20 {
            lines.add(LogLine {
                id: 0,
                at: Timestamp::from_micros(0),
                level: "warn",
                target: "x",
                text: number.to_string(),
                fields: BTreeMap::new(),
                spans: Vec::new(),
            });
        }
        let newest = lines.newest(None, false, 1000);
        assert_eq!((newest.len(), newest[0].text.as_str()), (KEPT, "519"));
        assert_eq!(lines.newest(Some(newest[1].id), false, 1)[0].text, "517");
        assert!(lines.newest(None, true, 10).is_empty());
    }

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(without_colours("\u{1b}[3mid\u{1b}[0m\u{1b}[2m=\u{1b}[0m7"), "id=7");
        assert_eq!(without_colours("plain"), "plain");
    }
}
