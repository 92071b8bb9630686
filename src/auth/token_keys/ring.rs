//! The keys of access tokens in memory.

use std::collections::HashMap;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::manifest::KeyState;
use super::signing_key::SigningKey;
use crate::auth::secrets::{SecretKeys, key_id};
use crate::config::TokenAlgorithm;
use crate::domain::Timestamp;

/// A public key as it is published: a JWK (RFC 7517, RFC 8037 §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PublishedKey {
    /// Always `OKP`.
    #[schema(example = "OKP")]
    kty: &'static str,
    /// Always `Ed25519`.
    #[schema(example = "Ed25519")]
    crv: &'static str,
    /// Always `sig`.
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    usage: &'static str,
    /// Always `EdDSA`.
    #[schema(example = "EdDSA")]
    alg: &'static str,
    /// As in the header of the tokens that it verifies.
    kid: String,
    /// The public key, base64url.
    x: String,
}

/// A key that verifies tokens, with the one algorithm that they may name.
pub(in crate::auth) struct VerifyingKey {
    pub(in crate::auth) algorithm: Algorithm,
    pub(in crate::auth) key: DecodingKey,
    pub(in crate::auth) validation: Validation,
    until: Option<Timestamp>,
}

impl VerifyingKey {
    fn new(algorithm: Algorithm, key: DecodingKey, until: Option<Timestamp>) -> Self {
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["exp", "sub"]);
        // `exp` must be there; it is compared with the injected clock.
        validation.validate_exp = false;
        Self { algorithm, key, validation, until }
    }

    /// Whether its tokens are still accepted.
    pub(in crate::auth) fn is_good(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// All keys of access tokens at one moment.
pub(in crate::auth) struct KeyRing {
    pub(in crate::auth) header: Header,
    pub(in crate::auth) signing: EncodingKey,
    verifying: HashMap<String, VerifyingKey>,
    published: Vec<(PublishedKey, Option<Timestamp>)>,
}

/// An Ed25519 key with its state, and until when its tokens are accepted.
pub(super) type StatedKey = (SigningKey, KeyState, Option<Timestamp>);

impl KeyRing {
    /// Makes the ring. Tokens of the secrets are accepted until `secrets_until`, when another algorithm signs.
    pub(super) fn new(
        algorithm: TokenAlgorithm,
        secrets: &SecretKeys,
        secrets_until: Option<Timestamp>,
        keys: Vec<StatedKey>,
    ) -> Result<Self, String> {
        let (header, signing) = match algorithm {
            TokenAlgorithm::Hs256 => {
                let secret = secrets.iter().next().ok_or("there is no secret")?;
                (header(Algorithm::HS256, &key_id(secret)), EncodingKey::from_secret(bytes(secret)))
            }
            TokenAlgorithm::EdDsa => {
                let current = keys.iter().find(|(_, state, _)| *state == KeyState::Current);
                let (key, ..) = current.ok_or("there is no current key")?;
                (header(Algorithm::EdDSA, key.kid()), key.encoding())
            }
        };
        let mut verifying = HashMap::new();
        for secret in secrets.iter() {
            let key = DecodingKey::from_secret(bytes(secret));
            verifying.insert(key_id(secret), VerifyingKey::new(Algorithm::HS256, key, secrets_until));
        }
        let mut published = Vec::new();
        for (key, _, until) in keys {
            verifying.insert(key.kid().to_owned(), VerifyingKey::new(Algorithm::EdDSA, key.decoding(), until));
            let (kid, x) = (key.kid().to_owned(), key.x().to_owned());
            published.push((PublishedKey { kty: "OKP", crv: "Ed25519", usage: "sig", alg: "EdDSA", kid, x }, until));
        }
        Ok(Self { header, signing, verifying, published })
    }

    /// Returns the key with this id, while its tokens are accepted.
    pub(in crate::auth) fn verifying(&self, kid: &str, now: Timestamp) -> Option<&VerifyingKey> {
        self.verifying.get(kid).filter(|key| key.is_good(now))
    }

    /// Returns the public keys whose tokens are accepted now or soon.
    pub(in crate::auth) fn published(&self, now: Timestamp) -> Vec<PublishedKey> {
        let good = self.published.iter().filter(|(_, until)| until.is_none_or(|until| now < until));
        good.map(|(key, _)| key.clone()).collect()
    }
}

fn header(algorithm: Algorithm, kid: &str) -> Header {
    Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) }
}

fn bytes(secret: &SecretString) -> &[u8] {
    secret.expose_secret().as_bytes()
}
