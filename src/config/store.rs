//! The database that `database.url` names.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::ConfigError;

/// The characters that are percent-encoded in the path of a URL.
const NOT_IN_A_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

/// A database.
#[derive(Clone, PartialEq, Eq)]
pub enum Store {
    /// The file of a SQLite database.
    Sqlite(PathBuf),
    /// The URL of a PostgreSQL database, which may hold a password.
    Postgres(String),
}

/// Writes the URL, including its password.
impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => {
                let path = percent_encode(path.as_os_str().as_encoded_bytes(), NOT_IN_A_PATH).to_string();
                // As it stands, it would be read as a relative path.
                match path.strip_prefix("/./") {
                    Some(rest) => write!(f, "sqlite:///%2E/{rest}"),
                    None => write!(f, "sqlite://{path}"),
                }
            }
            Self::Postgres(url) => f.write_str(url),
        }
    }
}

impl Store {
    /// Reads `sqlite://path` and `postgres://…`, also as SQLAlchemy writes them (`sqlite+aiosqlite:///./chat.db`,
    /// `postgresql+asyncpg://…`). No error repeats the text: it may hold a password.
    pub(super) fn parse(url: &str) -> Result<Self, ConfigError> {
        let wrong = |reason: &str| Err(ConfigError::Value { key: "database.url".into(), reason: reason.to_owned() });
        let Some((scheme, rest)) = url.split_once("://") else {
            return wrong("must begin with sqlite:// or postgres://");
        };
        let (dialect, driver) = scheme.split_once('+').map_or((scheme, None), |(d, driver)| (d, Some(driver)));
        match dialect {
            "sqlite" => {
                // SQLAlchemy writes three slashes before a relative path and four before an absolute one.
                let relative = driver.is_some() || rest.starts_with("/./");
                let rest = if relative { rest.strip_prefix('/').unwrap_or(rest) } else { rest };
                Self::sqlite(rest)
            }
            "postgresql" | "postgres" => {
                // asyncpg calls `ssl` what libpq calls `sslmode`.
                let rest = rest.replace("?ssl=", "?sslmode=").replace("&ssl=", "&sslmode=");
                Ok(Self::Postgres(format!("postgres://{rest}")))
            }
            _ if dialect.len() <= 16 && dialect.bytes().all(|b| b.is_ascii_lowercase()) => {
                wrong(&format!("must begin with sqlite:// or postgres://, not {dialect}://"))
            }
            _ => wrong("must begin with sqlite:// or postgres://"),
        }
    }

    fn sqlite(rest: &str) -> Result<Self, ConfigError> {
        let wrong = |reason: &str| Err(ConfigError::Value { key: "database.url".into(), reason: reason.to_owned() });
        let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        if path.contains(":memory:") || parameters.contains("memory") {
            return wrong("must name a file: a database in memory forgets everything");
        }
        if !matches!(parameters, "" | "mode=rwc" | "mode=rw") {
            return wrong("must have no parameters for SQLite: its settings are in [database]");
        }
        match percent_decode_str(path).decode_utf8() {
            Ok(path) if !path.is_empty() => Ok(Self::Sqlite(PathBuf::from(path.into_owned()))),
            _ => wrong("must name a file after sqlite://"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(url: &str) -> Option<String> {
        match Store::parse(url) {
            Ok(Store::Sqlite(path)) => Some(path.display().to_string()),
            _ => None,
        }
    }

    #[test]
    fn sqlite_urls() {
        for (url, path) in [
            ("sqlite://chat.db", "chat.db"),
            ("sqlite:///var/chat.db", "/var/chat.db"),
            ("sqlite:///./chat.db", "./chat.db"),
            ("sqlite+aiosqlite:///./chat.db", "./chat.db"),
            ("sqlite+aiosqlite:////var/chat.db", "/var/chat.db"),
            ("sqlite:///my%20data/chat.db?mode=rwc", "/my data/chat.db"),
        ] {
            assert_eq!(file(url).as_deref(), Some(path), "{url}");
        }
        for bad in
            ["sqlite://", "sqlite://:memory:", "sqlite::memory:", "sqlite://a.db?mode=memory", "sqlite://a?cache=x"]
        {
            assert_eq!(file(bad), None, "{bad}");
        }
    }

    #[test]
    fn any_path_stands_in_a_url() {
        for path in ["/a/my data?100%#\u{e4}/chat.db", "/./x", "/:memory/x"] {
            let store = Store::Sqlite(PathBuf::from(path));
            assert!(Store::parse(&store.to_string()).is_ok_and(|read| read == store), "{path}");
        }
    }

    #[test]
    fn postgres_urls() {
        for (url, plain) in [
            ("postgresql+asyncpg://u:p@h/d?ssl=require", "postgres://u:p@h/d?sslmode=require"),
            ("postgresql://u@h/d", "postgres://u@h/d"),
            ("postgres://u@h/d", "postgres://u@h/d"),
        ] {
            assert!(Store::parse(url).is_ok_and(|store| store == Store::Postgres(plain.to_owned())), "{url}");
        }
    }

    #[test]
    fn errors_do_not_repeat_the_url() {
        for url in ["mysql://u:hunter22@h/d", "Hunter22://x", "hunter22"] {
            let error = Store::parse(url).err().unwrap().to_string();
            assert!(!error.to_lowercase().contains("hunter22"), "{error}");
        }
    }
}
