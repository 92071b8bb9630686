//! `[admin]`: the operators' listener.

use serde::{Deserialize, Serialize};

use super::lists::string_list;
use crate::config::error::require;
use crate::config::{ConfigError, ListenAddress};

/// `[admin]`: the operators' listener.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// Address to listen on for operators.
    pub listen: ListenAddress,
    /// Names, besides IP addresses and `localhost`, under which operators reach it.
    #[serde(deserialize_with = "string_list")]
    pub hosts: Vec<String>,
}

impl Admin {
    pub(in crate::config) fn validate(&self) -> Result<(), ConfigError> {
        let is_name = |host: &String| {
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        };
        require(self.hosts.iter().all(is_name), "admin.hosts", "must be names alone, without scheme and port")
    }
}
