//! Settings from the environment: `.env`, the short names of the original deployment, and its database URLs.

use std::collections::HashMap;
use std::path::Path;

use super::ConfigError;
use super::env_file;

/// Variables of the original deployment, and the settings they set.
const SHORT_NAMES: [(&str, &str); 2] =
    [("DATABASE_URL", "FLUENT__DATABASE__URL"), ("SECRET_KEY", "FLUENT__AUTH__SECRET_KEY")];

/// Returns the process environment over a `.env` file in the working directory.
pub(super) fn read() -> Result<HashMap<String, String>, ConfigError> {
    let path = Path::new(".env");
    let mut variables = HashMap::new();
    if path.is_file() {
        let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let wrong = |reason: String| ConfigError::Invalid { file: Some(path.to_owned()), reason };
        variables.extend(env_file::parse(&text).map_err(wrong)?);
    }
    for (name, value) in std::env::vars_os() {
        // Names that are not UTF-8 are no settings.
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => drop(variables.insert(name, value)),
            // If it were left out, a new secret would be made.
            Err(_) if is_ours(&name) => {
                let reason = format!("the value of the variable {name} is not UTF-8");
                return Err(ConfigError::Invalid { file: None, reason });
            }
            Err(_) => {}
        }
    }
    Ok(variables)
}

/// Returns whether a variable of this name is a setting.
fn is_ours(name: &str) -> bool {
    name.starts_with("FLUENT__") || SHORT_NAMES.iter().any(|(short, _)| *short == name)
}

/// Turns `DATABASE_URL` and `SECRET_KEY` into the settings they mean; the full names win. Keeps only settings.
pub(super) fn with_short_names(mut variables: HashMap<String, String>) -> HashMap<String, String> {
    for (short, full) in SHORT_NAMES {
        if let Some(value) = variables.remove(short).filter(|value| !value.is_empty()) {
            variables.entry(full.to_owned()).or_insert(value);
        }
    }
    variables.retain(|key, _| key.starts_with("FLUENT__"));
    variables
}
