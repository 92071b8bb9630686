//! Where each setting was read, so that operators see it, and what a start would read now.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};

use ::config::{Source as _, Value, ValueKind};
use serde::Serialize;

use super::{Config, ConfigError};

/// Where a setting was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// It is the default.
    Default,
    /// In the file.
    File,
    /// In the environment, or in a `.env` file.
    Environment,
}

/// A setting as operators see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// Its name: section and key, with dots.
    pub key: String,
    /// Its value; that of a secret is hidden.
    pub value: serde_json::Value,
    /// Where it was read.
    pub source: Source,
}

/// Where all settings were read, and the digests of their values: no secret is kept a second time.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    settings: BTreeMap<String, (Source, u64)>,
    digests: RandomState,
    /// Whether they were read from the file and the environment of this process, and can be read again.
    is_of_process: bool,
    /// The file, where there is one.
    file: Option<PathBuf>,
}

impl Sources {
    /// Notes where the merged `settings` come from: the text of a file, or what overrides it. Values are told apart by
    /// `digests`.
    pub(super) fn of(
        settings: &::config::Config,
        file: Option<&str>,
        digests: RandomState,
    ) -> Result<Self, ::config::ConfigError> {
        let in_file: toml::Table = file.and_then(|text| toml::from_str(text).ok()).unwrap_or_default();
        let mut sources = Self { digests, ..Self::default() };
        for (key, value) in settings.collect()? {
            sources.add(key.clone(), &value, in_file.get(&key));
        }
        Ok(sources)
    }

    /// Lets the same be read again: the file, and the environment of this process.
    pub(super) fn of_process(&mut self, file: Option<&Path>) {
        self.is_of_process = true;
        self.file = file.map(Path::to_owned);
    }

    fn add(&mut self, key: String, value: &Value, in_file: Option<&toml::Value>) {
        if let ValueKind::Table(table) = &value.kind {
            for (name, value) in table {
                self.add(format!("{key}.{name}"), value, in_file.and_then(|table| table.get(name)));
            }
            return;
        }
        // Of all sources the environment alone names itself.
        let source = match (value.origin(), in_file) {
            (Some(_), _) => Source::Environment,
            (None, Some(_)) => Source::File,
            (None, None) => Source::Default,
        };
        let digest = self.digests.hash_one(format!("{:?}", value.kind));
        self.settings.insert(key, (source, digest));
    }
}

impl Config {
    /// Returns all settings by name, with secrets hidden, and where each was read.
    pub fn settings(&self) -> Result<Vec<Setting>, ConfigError> {
        let invalid = |error: serde_json::Error| ConfigError::Invalid { file: None, reason: error.to_string() };
        let mut settings = Vec::new();
        flatten(String::new(), serde_json::to_value(self).map_err(invalid)?, &mut |key, value| {
            let source = self.sources.settings.get(&key).map_or(Source::Default, |(source, _)| *source);
            settings.push(Setting { key, value, source });
        });
        settings.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        Ok(settings)
    }

    /// Reads the files and the environment of this process again, and returns the names of the settings whose values
    /// would be others at a start now. Fails when the server would not start. Always empty for settings that were not
    /// [read so](Self::of_process).
    pub fn changed_since(&self) -> Result<Vec<String>, ConfigError> {
        if !self.sources.is_of_process {
            return Ok(Vec::new());
        }
        let file = self.sources.file.as_deref();
        let now = Self::read(file, Self::environment()?, self.sources.digests.clone())?.sources.settings;
        let digest = |settings: &BTreeMap<String, (Source, u64)>, key: &String| settings.get(key).map(|(_, of)| *of);
        let mut changed: Vec<String> = now.keys().chain(self.sources.settings.keys()).cloned().collect();
        changed.sort_unstable();
        changed.dedup();
        changed.retain(|key| digest(&now, key) != digest(&self.sources.settings, key));
        Ok(changed)
    }
}

/// Calls `found` with each value that is no object, and its name.
fn flatten(key: String, value: serde_json::Value, found: &mut impl FnMut(String, serde_json::Value)) {
    let serde_json::Value::Object(fields) = value else { return found(key, value) };
    for (name, value) in fields {
        let name = if key.is_empty() { name } else { format!("{key}.{name}") };
        flatten(name, value, found);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn source(config: &Config, key: &str) -> Source {
        config.settings().unwrap().into_iter().find(|setting| setting.key == key).unwrap().source
    }

    #[test]
    fn each_setting_says_where_it_was_read_and_hides_what_is_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fluent.toml");
        std::fs::write(&path, "[server]\nlisten = \"127.0.0.1:9\"\nkeep_alive_s = 7\n[limits.send.user]\nburst = 3\n")
            .unwrap();
        let variables = [("FLUENT__SERVER__LISTEN", "127.0.0.1:8"), ("DATABASE_URL", "postgres://a:hunter22@h/d")];
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let config = Config::load(Some(&path), variables).unwrap();
        for (key, expected) in [
            ("server.listen", Source::Environment),
            ("database.url", Source::Environment),
            ("server.keep_alive_s", Source::File),
            ("limits.send.user.burst", Source::File),
            ("limits.send.user.every_ms", Source::Default),
            ("server.drain_window_s", Source::Default),
        ] {
            assert_eq!(source(&config, key), expected, "{key}");
        }
        let shown = serde_json::to_string(&config.settings().unwrap()).unwrap();
        assert!(!shown.contains("hunter22") && shown.contains("[redacted]@h/d"), "{shown}");
        assert!(!format!("{config:?}").contains("hunter22"));
        assert_eq!(config.changed_since().unwrap(), Vec::<String>::new(), "it is not of this process");
    }

    /// Were a setting shown under another name than it is set by, its source would not be found.
    #[test]
    fn settings_are_shown_under_the_names_by_which_they_are_set() {
        let config = Config::load(None, HashMap::new()).unwrap();
        let shown: Vec<String> = config.settings().unwrap().into_iter().map(|setting| setting.key).collect();
        let set: Vec<String> = config.sources.settings.keys().cloned().collect();
        assert_eq!(shown, set);
    }

    #[test]
    fn what_a_start_would_read_now_is_compared_by_value() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fluent.toml");
        std::fs::write(&path, "[server]\nkeep_alive_s = 7\n[socket]\nin_flight = 9\n").unwrap();
        let config = Config::of_process(Some(&path)).unwrap();
        std::fs::write(&path, "# Another text.\n[server]\nkeep_alive_s = 7\n").unwrap();
        assert_eq!(config.changed_since().unwrap(), ["socket.in_flight"]);
        std::fs::write(&path, "[server]\nkeep_alive_s = 0\n").unwrap();
        assert!(config.changed_since().unwrap_err().to_string().contains("keep_alive_s"));
        std::fs::remove_file(&path).unwrap();
        assert!(config.changed_since().unwrap_err().to_string().contains("fluent.toml"));
    }
}
