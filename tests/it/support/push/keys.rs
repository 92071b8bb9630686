//! Keys of the doubles, and tokens that are verified with them.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde_json::Value;

/// Returns a private key in PEM (PKCS #8), and what verifies its tokens.
pub(super) fn rsa() -> (String, DecodingKey) {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    (pem(pair.as_der().unwrap().as_ref()), DecodingKey::from_rsa_der(pair.public_key().as_ref()))
}

/// Returns a private key on P-256 in PEM (PKCS #8), and what verifies its tokens.
pub(super) fn p256() -> (String, DecodingKey) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    (pem(pair.to_pkcs8v1().unwrap().as_ref()), DecodingKey::from_ec_der(pair.public_key().as_ref()))
}

/// Returns header and claims of a token whose signature is good.
pub(super) fn verified(token: &str, key: &DecodingKey, algorithm: Algorithm) -> Result<(Header, Value), String> {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let decoded = jsonwebtoken::decode(token, key, &validation).map_err(|error| format!("a bad token: {error}"))?;
    Ok((decoded.header, decoded.claims))
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
}
