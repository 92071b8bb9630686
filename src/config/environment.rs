//! Settings from the environment: `.env`, the short names of the original deployment, and its database URLs.

use std::collections::HashMap;
use std::path::Path;

use super::ConfigError;

/// Variables of the original deployment, and the settings they set.
const SHORT_NAMES: [(&str, &str); 2] =
    [("DATABASE_URL", "FLUENT__DATABASE__URL"), ("SECRET_KEY", "FLUENT__AUTH__SECRET_KEY")];

/// The process environment over a `.env` file in the working directory.
pub(super) fn read() -> Result<HashMap<String, String>, ConfigError> {
    let path = Path::new(".env");
    let mut variables = HashMap::new();
    if path.is_file() {
        let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
        let entries =
            dotenvy::from_path_iter(path).map_err(|error| unreadable(std::io::Error::other(error.to_string())))?;
        for entry in entries {
            // The parser's own text would quote the line, which may hold a secret.
            let (key, value) = entry.map_err(|_| unreadable(std::io::Error::other("a line is not NAME=value")))?;
            variables.insert(key, value);
        }
    }
    // A variable that is not UTF-8 is none of ours.
    variables
        .extend(std::env::vars_os().filter_map(|(key, value)| key.into_string().ok().zip(value.into_string().ok())));
    Ok(variables)
}

/// `DATABASE_URL` and `SECRET_KEY` as the settings they mean; the full names win. Keeps only what is ours.
pub(super) fn with_short_names(mut variables: HashMap<String, String>) -> HashMap<String, String> {
    for (short, full) in SHORT_NAMES {
        if let Some(value) = variables.remove(short).filter(|value| !value.is_empty()) {
            variables.entry(full.to_owned()).or_insert(value);
        }
    }
    variables.retain(|key, _| key.starts_with("FLUENT__"));
    variables
}
