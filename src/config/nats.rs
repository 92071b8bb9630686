//! The servers that `cluster.nats_url` names.

use secrecy::SecretString;
use url::Url;

use super::ConfigError;

const KEY: &str = "cluster.nats_url";

/// NATS servers that know each other, and how to log in there.
#[derive(Clone, Debug)]
pub struct NatsServers {
    /// Their URLs, without user and password.
    pub urls: Vec<String>,
    /// User and password.
    pub user: Option<(String, SecretString)>,
}

impl NatsServers {
    /// Reads URLs that are separated by commas; `None` when there are none. No error repeats the text: it may hold a
    /// password.
    pub(super) fn parse(list: &str) -> Result<Option<Self>, ConfigError> {
        let wrong = |reason: &str| Err(ConfigError::Value { key: KEY.into(), reason: reason.to_owned() });
        let mut servers = Self { urls: Vec::new(), user: None };
        let mut users = Vec::new();
        for text in list.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            let Ok(mut url) = Url::parse(text) else { return wrong("must be URLs, separated by commas") };
            let is_complete = url.has_host() && url.port().is_some() && url.query().is_none();
            if !["nats", "tls"].contains(&url.scheme()) || !is_complete || !["", "/"].contains(&url.path()) {
                return wrong("must be nats://host:port or tls://host:port, several separated by commas");
            }
            users.push((decoded(url.username()), decoded(url.password().unwrap_or_default())));
            // They would be in the client's log lines.
            if url.set_username("").and_then(|()| url.set_password(None)).is_err() {
                return wrong("must have a host");
            }
            servers.urls.push(url.to_string());
        }
        users.dedup();
        match users.pop() {
            None => return Ok(None),
            Some(_) if !users.is_empty() => return wrong("must have the same user and password in each URL"),
            Some((user, password)) => servers.user = (!user.is_empty()).then(|| (user, password.into())),
        }
        Ok(Some(servers))
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn urls_are_separated_by_commas_and_hold_one_user() {
        assert!(NatsServers::parse(" ").unwrap().is_none());
        let one = NatsServers::parse("nats://127.0.0.1:4222").unwrap().unwrap();
        assert_eq!(one.urls, ["nats://127.0.0.1:4222"]);
        assert!(one.user.is_none());
        let two = NatsServers::parse("tls://jane:hunter%402@a.example:4222, tls://jane:hunter%402@[::1]:4223").unwrap();
        let two = two.unwrap();
        assert_eq!(two.urls, ["tls://a.example:4222", "tls://[::1]:4223"]);
        let (user, password) = two.user.unwrap();
        assert_eq!((user.as_str(), password.expose_secret()), ("jane", "hunter@2"));
    }

    #[test]
    fn everything_else_is_refused_without_repeating_it() {
        for wrong in [
            "hunter2",
            "http://hunter2@a:4222",
            "nats://hunter2@a",
            "nats://:4222",
            "nats://a:4222/hunter2",
            "nats://a:4222?hunter2",
            "nats://a:hunter2",
            "nats://jane:hunter2@a:4222,nats://b:4222",
        ] {
            let error = NatsServers::parse(wrong).unwrap_err().to_string();
            assert!(error.contains("cluster.nats_url") && !error.contains("hunter2"), "{wrong}: {error}");
        }
    }
}
