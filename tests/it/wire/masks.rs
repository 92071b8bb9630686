//! Placeholders for what is random in a recording.

use std::collections::BTreeMap;

use serde_json::Value;

/// Headers whose values differ from run to run, and what stands for them.
const HEADERS: [(&str, &str); 2] = [("date", "<date>"), ("x-request-id", "<request-id>")];

/// The placeholders of one recording: each random value has one name throughout, numbered at its first appearance.
#[derive(Default)]
pub(super) struct Masks {
    names: Vec<(String, String)>,
    counts: BTreeMap<&'static str, usize>,
}

impl Masks {
    /// Gives a random value the next name of its kind, unless it has one.
    fn name(&mut self, kind: &'static str, value: &str, suffix: &str) {
        let value = format!("{value}{suffix}");
        if self.names.iter().any(|(known, _)| *known == value) {
            return;
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        self.names.push((value, format!("<{kind}-{count}>{suffix}")));
    }

    /// Names what is random in a body or frame: tokens, tickets, epochs, and names of devices that the server made.
    pub(super) fn learn(&mut self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.learn(value)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    self.learn_field(key, value);
                }
            }
            _ => {}
        }
    }

    fn learn_field(&mut self, key: &str, value: &Value) {
        match (key, value) {
            ("access_token", Value::String(token)) => self.name("access", token, ""),
            ("refresh_token", Value::String(token)) => self.name("refresh", token, ""),
            ("report_token", Value::String(token)) => self.name("report", token, ""),
            ("ticket", Value::String(ticket)) => self.name("ticket", ticket, ""),
            ("kid", Value::String(kid)) => self.name("kid", kid, ""),
            ("cursor", Value::String(cursor)) => {
                if let Some((epoch, _)) = cursor.split_once(':') {
                    self.name("epoch", epoch, ":");
                }
            }
            ("device_id", Value::String(device)) if device.len() > 16 => self.name("device", device, ""),
            ("reconnect_after_ms", Value::Number(time)) => {
                self.names.push((format!("\"reconnect_after_ms\":{time}"), "\"reconnect_after_ms\":<jitter>".into()));
            }
            _ => self.learn(value),
        }
    }

    /// The text with names for all that is random.
    pub(super) fn mask(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (value, name)| text.replace(value, name))
    }

    /// A line of the head of an answer, as it came but for what is random. The length of a compressed body depends on
    /// the random values in it.
    pub(super) fn header(&self, line: &str, is_compressed: bool) -> String {
        let (name, _) = line.split_once(':').unwrap_or((line, ""));
        if is_compressed && name.eq_ignore_ascii_case("content-length") {
            return format!("{name}: <length>");
        }
        let hidden = HEADERS.iter().find(|(hidden, _)| name.eq_ignore_ascii_case(hidden));
        hidden.map_or_else(|| self.mask(line), |(_, mask)| format!("{name}: {mask}"))
    }
}
