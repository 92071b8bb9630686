//! Lists in settings, which the environment gives as text, and secrets, which are never shown.

use secrecy::{ExposeSecret as _, SecretString};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

use crate::config::redaction::HIDDEN;
use crate::domain::Network;

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Reads a list, or the comma-separated text that the environment can hold.
pub(super) fn string_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(text) => {
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
        }
        OneOrMany::Many(list) => list,
    })
}

/// Reads a list of networks in CIDR notation.
pub(super) fn network_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Network>, D::Error> {
    let network = |text: String| text.parse().map_err(|error| D::Error::custom(format!("`{text}` is none: {error}")));
    string_list(deserializer)?.into_iter().map(network).collect()
}

pub(super) fn secret_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SecretString>, D::Error> {
    Ok(string_list(deserializer)?.into_iter().map(SecretString::from).collect())
}

/// Returns a text that shows whether a secret is set, but not the secret.
fn mask(secret: &SecretString) -> &'static str {
    if secret.expose_secret().is_empty() { "" } else { HIDDEN }
}

pub(super) fn redacted<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mask(secret))
}

pub(super) fn redacted_list<S: Serializer>(secrets: &[SecretString], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(secrets.iter().map(mask))
}
