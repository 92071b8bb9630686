//! Settings of former versions: each is refused with the name of what has taken its place.

use super::ConfigError;

/// The keys that there are no more, and what has taken their place.
const FORMER: [(&str, &str); 3] = [
    ("limits.client_ip_header", "server.client_address and server.trusted_proxies"),
    ("limits.auth_per_minute", "limits.login.address and limits.register.address"),
    ("limits.logins_per_name_per_minute", "limits.login.account and limits.login.known"),
];

/// Returns an error when a former key is set.
pub(super) fn refuse(settings: &::config::Config) -> Result<(), ConfigError> {
    match FORMER.into_iter().find(|(key, _)| settings.get::<::config::Value>(key).is_ok()) {
        Some((key, successor)) => {
            Err(ConfigError::Value { key: key.into(), reason: format!("is no setting any more: use {successor}") })
        }
        None => Ok(()),
    }
}
